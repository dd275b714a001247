import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { TimelinePoint } from '../../planner/result/estimate.ts'
import { bar } from './bar.ts'
import { colourLevel, painter } from './colour.ts'
import { change, grouped, millions } from './numbers.ts'
import { table } from './table.ts'
import { drawTimeline } from './timeline.ts'
import { visibleWidth, wrap, wrapParts } from './wrap.ts'

const level = (env: NodeJS.ProcessEnv, isTerminal = true, refused = false): number =>
  colourLevel({ env, isTerminal, refused })

test('colour is decided by the stream, the environment and the flag', () => {
  assert.is(level({ TERM: 'xterm' }), 1)
  assert.is(level({ TERM: 'xterm-256color' }), 2)
  assert.is(level({ COLORTERM: 'truecolor' }), 3)
  assert.is(level({ TERM: 'xterm' }, false), 0)
  assert.is(level({ TERM: 'dumb' }), 0)
  assert.is(level({ TERM: 'xterm', NO_COLOR: '1' }), 0)
  assert.is(level({ TERM: 'xterm', NO_COLOR: '' }), 1)
  assert.is(level({ FORCE_COLOR: '2' }, false), 2)
  assert.is(level({ FORCE_COLOR: '0' }), 0)
  assert.is(level({ FORCE_COLOR: '1' }, false, true), 0)
})

test('numbers as people read them', () => {
  assert.is(grouped(134515008), '134 515 008')
  assert.is(grouped(12), '12')
  assert.is(millions(6738415616), '6.74 B')
  assert.is(change(231, 164), '−29 %')
  assert.is(change(100, 100), '')
})

test('the peak survives in a timeline of any width, under its mark', () => {
  const points: TimelinePoint[] = Array.from({ length: 1000 }, (_, i) => [
    i,
    i < 500 ? 'forward' : 'backward',
    { parameter: i === 617 ? 800 : 100 },
  ])
  for (const width of [10, 33, 96]) {
    const { lines, mark, axis } = drawTimeline(points, { width, rows: 2, top: 800 })
    assert.is(lines[0]?.[mark.length - 1], '█')
    assert.ok(axis.length <= width)
  }
})

test('a bar has its width, with letters where there is no colour', () => {
  const plain = painter({ isTerminal: false, env: {}, refused: false })
  assert.is(bar({ parameter: 50, activation: 25, temporary: 25 }, 8, plain), 'PPPPAATT')
  assert.is(
    visibleWidth(
      bar({ parameter: 1, buffer: 2 }, 30, painter({ isTerminal: false, env: { FORCE_COLOR: '3' }, refused: false })),
    ),
    30,
  )
})

test('a table that does not fit becomes a list, no line too wide', () => {
  const columns = [
    { head: 'name', align: 'left' },
    { head: 'bytes', align: 'right' },
  ] as const
  const rows = [['model.layers.*.mlp', '12 MiB']]
  assert.is(table(columns, rows, 80), 'name                  bytes\nmodel.layers.*.mlp   12 MiB')
  for (const line of table(columns, rows, 22).split('\n')) assert.ok(line.length <= 22, line)
})

test('wrapping keeps within the width and between parts', () => {
  for (const line of wrapParts(['one two', 'three', 'four five six'], 12, '  ').split('\n'))
    assert.ok(line.length <= 12, line)
  assert.is(wrap('a bb ccc', 4, ' '), 'a bb\n ccc')
})

test.run()
