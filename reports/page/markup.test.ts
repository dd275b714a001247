import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Content, html, later } from './markup.ts'
import { toText } from './text.ts'

const text = (markup: ReturnType<typeof html>): string => toText(markup, new Map())

test('values are text in text and in attributes, whatever they hold', () => {
  const hostile = '"><img src=x onerror=alert(1)>'
  const page = text(html`<b title="${hostile}">${hostile}</b>`)
  assert.not.match(page, /<img/)
  assert.is(text(html`<b title="a ${1} ${'b'}">${[1, ' ', html`<i>x</i>`]}</b>`), '<b title="a 1 b">1 <i>x</i></b>')
})

test('an attribute that is null alone is left out, an empty one stays', () => {
  assert.is(text(html`<details open="${null}" id="${''}">x</details>`), '<details id>x</details>\n')
})

test('line breaks between tags lay the template out and are no text', () => {
  assert.is(
    text(html`<p>
    <b>a</b> <i>b</i>
  </p>`),
    '<p><b>a</b> <i>b</i></p>\n',
  )
})

test('what is made later is made for text', () => {
  assert.is(text(html`<p>${later(() => html`<b>now</b>`)}</p>`), '<p><b>now</b></p>\n')
})

test('a template that is no markup is an error of the program, not a guess', () => {
  const bad: readonly (() => unknown)[] = [
    () => html`<p>`,
    () => html`</p>`,
    () => html`<p ${'class="x"'}>x</p>`,
    () => html`<p title="${html`<b>x</b>` as Content}">x</p>`,
  ]
  for (const make of bad) assert.throws(make)
})

test.run()
