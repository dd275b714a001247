import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bytesIn } from './numbers.ts'
import { githubAnnotation, junitXml, type Verdict, verdictLine } from './verdict.ts'

const bytes = bytesIn('GiB')
const verdict = (margin: number, file?: string): Verdict => ({
  name: 'a<b> & "c" lora',
  file,
  fit: { gpu: 'rtx4090', capacity_bytes: 24 * 2 ** 30, fits: margin >= 0, margin_bytes: margin, verdict: '' },
  peak: { bytes: 24 * 2 ** 30 - margin, phase: 'backward', scope: 'lm_head', op: 'log_softmax', parts: {}, alive: [] },
})

test('one line for people', () => {
  assert.is(
    verdictLine(verdict(-(2 ** 31)), bytes),
    'a<b> & "c" lora does not fit rtx4090: peak 26.00 GiB of 24.00 GiB, 2.00 GiB too much (backward · lm_head)',
  )
  assert.match(verdictLine(verdict(2 ** 30), bytes), /fits rtx4090: peak 23\.00 GiB of 24\.00 GiB, 1\.00 GiB to spare/)
})

test("an annotation escapes what the runner's commands would end at", () => {
  const told = githubAnnotation(verdict(-1, 'a,b:c%\nd.yaml'), bytes)
  assert.ok(told.startsWith('::error file=a%2Cb%3Ac%25%0Ad.yaml,title=GPU memory::'), told)
  assert.is(told.split('\n').length, 1)
  assert.match(githubAnnotation(verdict(1), bytes), /^::notice title=GPU memory::/)
})

test('JUnit is well-formed: nothing of a stranger stands bare', () => {
  const told = junitXml({ ...verdict(-1), name: 'x\u0007<y' }, bytes)
  assert.match(told, /<testsuites tests="1" failures="1">/)
  assert.match(told, /name="x\uFFFD&lt;y on rtx4090"><failure type="does-not-fit" message="/)
  const tags = [...told.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)].filter(([tag]) => !tag.startsWith('<?'))
  assert.is(tags.filter(([, close, , alone]) => !close && !alone).length, tags.filter(([, close]) => close).length)
  assert.match(junitXml(verdict(1), bytes), /failures="0"[\s\S]*<system-out>/)
})

test.run()
