import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Segment } from './charts/bar-marks.ts'
import { partsChart } from './charts/parts.ts'
import { chartNames, GROUPS, PALETTE, type Reportable, type ReportResult, renderSvg, viewOf } from './index.ts'
import { simplifyPath } from './path.ts'

const golden = <T extends Reportable = ReportResult>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../fixtures/golden/${name}.json`, import.meta.url), 'utf8'))

test('every chart stands alone in both themes and sizes', async () => {
  for (const result of [golden('compare'), golden<Reportable>('study')])
    for (const which of chartNames(result)) {
      for (const options of [{}, { theme: 'dark', size: 'narrow' }] as const) {
        const svg = await renderSvg(result, which, options)
        assert.match(svg, /^<svg [^>]*xmlns=/)
        assert.not.match(svg, /currentColor|var\(--|NaN|undefined|Infinity/)
        assert.is(svg, await renderSvg(result, which, options))
      }
    }
  assert.equal(chartNames(golden<Reportable>('study')), ['quality', 'curves:2', 'curves:8', 'sweep'])
})

test('a chart that is not there is refused with those that are', async () => {
  try {
    await renderSvg(golden('estimate'), 'pie')
    assert.unreachable()
  } catch (error) {
    assert.instance(error, RangeError)
    assert.match(String(error), /parts, timeline:LoRA-FA/)
  }
})

test('the segments of a bar are the parts of the peak, end to end', () => {
  for (const size of ['wide', 'narrow'] as const) {
    const { bars } = viewOf(golden('compare-gpu'))
    // what the chart calls segments are rows of bar-marks.ts
    const segments = partsChart(bars, size).data.segments as readonly Segment[]
    assert.equal(
      segments.map((s) => s.bytes),
      bars.rows.flatMap((r) => r.parts.map((p) => p.bytes).filter((b) => b > 0)),
    )
    assert.ok(segments.every((s) => s.to - s.from === s.bytes))
    const ends = bars.rows.map((r) => r.total)
    assert.ok(ends.every((end) => segments.some((s) => s.to === end)))
  }
})

test('a path keeps its outline and loses its repetitions', () => {
  assert.is(simplifyPath('M0,10L5.04,10L5.04,10L9,10L9,20L0,20Z'), 'M0,10H9V20H0Z')
  assert.is(simplifyPath('M0,0L10,0L5,0'), 'M0,0H10H5')
  assert.is(simplifyPath('M0,0L1,1L2,2'), 'M0,0L1,1L2,2')
  assert.is(simplifyPath('M0,0C1,1,2,2,3,3'), 'M0,0C1,1,2,2,3,3')
  assert.is(simplifyPath(''), '')
})

const luminance = (rgb: readonly number[]): number => {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}
const rgbOf = (hex: string): number[] => [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16))

test('each colour is one colour in its three spellings, and its text can be read', () => {
  for (const group of GROUPS) {
    const { hex, rgb, on, label } = PALETTE[group]
    assert.equal(rgbOf(hex), [...rgb])
    const [dark, light] = [luminance(rgb), luminance(rgbOf(on))].sort((a, b) => a - b)
    assert.ok((light! + 0.05) / (dark! + 0.05) >= 4.5, label)
  }
})

test.run()
