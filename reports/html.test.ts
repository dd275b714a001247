import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CompareResult } from '../planner/result/compare.ts'
import type { PlanResult } from '../planner/result/plan.ts'
import {
  byGroup,
  isPlan,
  isStudy,
  planView,
  type Reportable,
  type ReportResult,
  renderHtml,
  studyView,
  viewOf,
} from './index.ts'

/** Stand-ins: what scripts do is tried in a browser (cli/whatif/page.test.ts); here it counts that they may run. */
const PAGE = { scripts: ['planner()', 'page()'], setups: [null] }

const golden = <T extends Reportable = ReportResult>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../fixtures/golden/${name}.json`, import.meta.url), 'utf8'))

const NAMES = ['estimate', 'compare', 'compare-gpu', 'compare-matrix', 'run', 'study', 'plan']
const pages = new Map<string, string>()
for (const name of NAMES) pages.set(name, await renderHtml([golden(name)], PAGE))
const all = (page: string, pattern: RegExp): string[] => [...page.matchAll(pattern)].map((m) => m[1] ?? '')
const between = (page: string, open: string, close: string): string => page.split(open)[1]?.split(close)[0] ?? ''

test('the same result gives the same bytes, also when pages are made at once', async () => {
  const again = await Promise.all(NAMES.map((name) => renderHtml([golden(name)], PAGE)))
  assert.equal(again, [...pages.values()])
})

test('a page asks for nothing from outside itself', () => {
  for (const page of pages.values()) {
    assert.not.match(page, /https?:|\bsrc=|<link|<iframe|<object|@import|url\((?!#)/)
    for (const href of all(page, /href="([^"]*)"/g)) assert.ok(href.startsWith('#'))
  }
})

test('the policy lets exactly the inline style and script of the page run', () => {
  for (const page of pages.values()) {
    const policy = between(page, 'Content-Security-Policy" content="', '"').replaceAll('&#39;', "'")
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    assert.ok(policy.startsWith("default-src 'none'; "))
    assert.ok(policy.includes(`style-src ${hash(between(page, '<style>', '</style>'))};`))
    const scripts = all(page, /<script>([\s\S]*?)<\/script>/g)
    assert.equal(scripts, PAGE.scripts)
    assert.ok(policy.includes(`script-src ${scripts.map(hash).join(' ')};`))
    assert.not.match(policy, /unsafe|\*/)
    // What the policy would silently refuse must not be there.
    assert.not.match(page, /<[^>]* (?:style|on\w+)=/)
    assert.is(all(page, /<(style)\b/g).length, 1)
    assert.is(all(page, /<(script)\b/g).length, 3)
  }
})

const HOSTILE = '</script><img src=x onerror=alert(1)>"\'><svg onload=alert(1)><!--\u2028\u202e`'

/** Every text of a document made hostile, numbers and the words that schemas fix left alone. */
function poison(value: unknown, key = ''): unknown {
  const fixed = ['schema', 'category', 'phase', 'tier', 'verdict', 'method', 'of', 'against']
  if (typeof value === 'string') return fixed.includes(key) ? value : value + HOSTILE
  if (Array.isArray(value))
    return value.map((v) => (['forward', 'backward', 'optimizer'].includes(v) ? v : poison(v, key)))
  if (value === null || typeof value !== 'object') return value
  const name = (k: string) => (key === 'environment' || key === 'dimensions' ? k + HOSTILE : k)
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [name(k), poison(v, k)]))
}

test('names that try to be markup stay text', async () => {
  for (const name of NAMES) {
    const result = poison(golden(name)) as ReportResult
    const page = await renderHtml([result], PAGE)
    assert.not.match(page, /<img|<svg onload|<!--|\u2028|\u202e/)
    assert.not.match(page, /<[^>"']*(?:"[^"]*"[^>"']*)* on\w+=/)
    assert.is(all(page, /<(script)\b/g).length, 3)
    assert.is(all(page, /<\/(script)>/g).length, 3)
  }
})

test('the result is inside the page as JSON, whole but for thinned timelines', () => {
  for (const name of NAMES) {
    const inside = JSON.parse(between(pages.get(name)!, 'id="data">', '</script>')).results[0]
    const bare = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (k, v) => (k === 'timeline' ? [] : v)))
    assert.equal(bare(inside), bare(golden(name)))
    const answer = (result: Reportable) =>
      (isStudy(result) ? studyView(result) : isPlan(result) ? planView(result) : viewOf(result)).answer
    assert.equal(answer(inside), answer(golden<Reportable>(name)))
  }
})

test('the table under the bars holds the parts of the result to the byte', () => {
  for (const name of ['compare', 'compare-gpu']) {
    const { methods } = (golden(name) as CompareResult).result
    const rows = between(pages.get(name)!, 'id="bars-t"', '</table>').split('<tr>').slice(2)
    assert.is(rows.length, methods.length)
    methods.forEach(({ estimate }, i) => {
      const shown = all(rows[i]!, /<data value="(\d+)"/g).map(Number)
      const groups = byGroup(estimate.peak.parts)
      assert.is(shown.at(-1), estimate.peak.bytes)
      assert.equal(
        shown.slice(0, -1).filter((n) => n > 0),
        Object.values(groups).filter((n) => n > 0),
      )
    })
  }
})

test('charts have names and point to a table with their numbers; ids are unique', () => {
  for (const page of pages.values()) {
    const ids = all(page, /\bid="([^"]*)"/g)
    assert.is(new Set(ids).size, ids.length)
    const images = all(page, /<div ([^>]*role="img"[^>]*)>/g)
    assert.ok(images.length >= (page.includes('id="front"') ? 1 : 3))
    for (const image of images) {
      assert.match(image, /aria-label="[^"]{20,}"/)
      assert.ok(ids.includes(/aria-describedby="([^"]*)"/.exec(image)?.[1] ?? ''), image)
    }
    for (const region of all(page, /<div ([^>]*role="region"[^>]*)>/g)) {
      const by = /aria-labelledby="([^"]*)"/.exec(region)?.[1]
      assert.ok(by === undefined ? /aria-label="[^"]+"/.test(region) : ids.includes(by), region)
    }
    assert.is(all(page, /<th(?![^>]*scope=)(?!ead)/g).length, 0)
    assert.is(all(page, /<(h1)\b/g).length, 1)
    assert.match(page, /<html lang="en">/)
  }
})

test('the matrix and its figures are in a table, each refusal has its reason', () => {
  const { cells, ways, methods, gains } = (golden('compare-matrix') as CompareResult).result.matrix!
  const section = between(pages.get('compare-matrix')!, 'id="matrix"', '</section>')
  const peaks = between(section, 'id="matrix-t"', '</table>')
  const shown = all(peaks, /<data value="(\d+)"/g).map(Number)
  assert.equal(
    shown,
    ways.flatMap((way) => methods.flatMap((m) => cells.find((c) => c.way === way && c.method === m)?.peak_bytes ?? [])),
  )
  assert.equal(
    all(between(section, 'id="matrix-g"', '</table>'), /<data value="(-?\d+)"/g).map(Number),
    ways.flatMap((way) => gains.filter((g) => g.way === way).map((g) => g.bytes)),
  )
  const drawn = between(section, 'class="wide-only"', '</svg>')
  const words = all(drawn, />([^<]+)<\/text>/g)
  for (const way of ways) assert.is(words.filter((w) => w === way).length, 2, way)
  assert.is(words.filter((w) => w === '—').length, cells.filter((c) => c.peak_bytes === null).length)
  for (const reason of new Set(cells.flatMap((c) => c.refused ?? [])))
    assert.ok(section.includes(reason.replaceAll("'", '&#39;')) || section.includes(reason), reason)
})

test('a plan shows every setting with its bytes, and what each change does', () => {
  const { search, maxima } = golden<PlanResult>('plan').result
  const page = pages.get('plan')!
  const front = between(page, 'id="front-t"', '</table>')
  const bytes = all(front, /<data value="(-?\d+)"/g).map(Number)
  assert.equal(
    bytes,
    search!.options.flatMap((o) => [o.peak.allocated_bytes, ...o.steps.map((s) => s.bytes)]),
  )
  assert.is(all(page, /<tr><th scope="row">(batch|length|rank)</g).length, maxima.length)
  assert.match(page, /a formula/)
  assert.match(page, /none is measured/)
})

test('a page stays small enough to send', () => {
  for (const [name, page] of pages) assert.ok(page.length < 1_000_000, `${name} ${page.length}`)
})

test('a measured figure stands on no bar of another stack', () => {
  const bars = between(pages.get('compare')!, 'id="peak"', '</section>')
  assert.not.match(bars, /measured/)
  assert.match(between(pages.get('compare')!, 'id="executed"', '</section>'), /measured/)
})

test.run()
