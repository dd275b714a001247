import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { differences } from '../pages/difference.ts'
import { type Recorded, settingOfRow } from '../pages/recorded.ts'
import { bodyOf, DEFAULT_STACK, predict, resolveStack, simulate } from '../predict/index.ts'
import type { TraceEvent } from '../trace/event.ts'
import { seenBy } from '../training/parallelism.ts'
import type { TrainSpec } from '../training/spec.ts'

interface RankRow extends Recorded {
  readonly case: Recorded['case'] & { readonly tp: number }
  readonly rank: number
}

const file = new URL('../../../fixtures/pytorch-tp/steps.jsonl', import.meta.url)
const rows = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RankRow)
const stack = resolveStack(DEFAULT_STACK)

/** The row's setting, asked for as the command line does, as its rank sees it. */
function settingOf({ case: c, rank }: RankRow) {
  const { model, train } = settingOfRow(c, stack.name)
  return { model, train: { ...train, parallelism: seenBy(rank, train.parallelism!) } }
}

test('every figure of every rank of a tensor-parallel step, to the byte', () => {
  const off = rows.flatMap((row) => {
    const { model, train } = settingOf(row)
    const found = differences(row, predict(model, train, stack))
    return found.length > 0 ? [`${row.case.id} rank ${row.rank}: ${found.join(' · ')}`] : []
  })
  console.log(`# ${rows.length - off.length} of ${rows.length} rows exact`)
  assert.is(off.join('\n'), '')
  assert.ok(rows.length >= 110)
  assert.is(new Set(rows.map((r) => r.case.model.model_type)).size, 11)
})

test('the last rank of a step allocates what the first does', () => {
  for (const row of rows.filter((r) => r.rank > 0)) {
    const first = rows.find((r) => r.case.id === row.case.id && r.rank === 0)!
    assert.equal([row.step, row.first_step, row.base], [first.step, first.first_step, first.base], row.case.id)
  }
})

const first = rows.filter((r) => r.rank === 0 && r.case.method === 'full')

test('another number of ranks, or a whole model on each, is told apart in every row', () => {
  const changes: readonly ((t: TrainSpec) => TrainSpec)[] = [
    ({ parallelism: _, ...t }) => t,
    (t) => ({ ...t, parallelism: { ...t.parallelism!, tensor: t.parallelism!.tensor! / 2 } }),
  ]
  for (const row of first) {
    const { model, train } = settingOf(row)
    for (const change of changes)
      assert.ok(differences(row, predict(model, change(train), stack)).length > 0, row.case.id)
  }
})

/** A trace in which the storages that `is` picks have half their bytes. */
function halved(events: readonly TraceEvent[], is: Rule['is']): TraceEvent[] {
  const picked = new Set(events.filter((e) => e.action === 'alloc' && is(e)).map((e) => e.storage))
  assert.ok(picked.size > 0)
  return events.map((e) => (picked.has(e.storage) ? { ...e, bytes: e.bytes / 2 } : e))
}

function isTied(row: RankRow): boolean {
  const { model } = settingOf(row)
  return 'tied' in model && model.tied
}

interface Rule {
  readonly is: (e: TraceEvent) => boolean
  readonly of: (row: RankRow) => boolean
}

/** What transformers' plan makes whole on every rank; each made a piece by itself. */
const RULES: Readonly<Record<string, Rule>> = {
  'the gradient of the embedding is a piece as the weight is': {
    is: (e) => e.action === 'alloc' && e.phase === 'backward' && e.axes[0]?.name === 'V',
    // with the head's own in pieces the sum is one too
    of: (row) => !isTied(row),
  },
  'logits stay in pieces': {
    is: (e) => e.scope === 'lm_head' && e.op === 'all_gather',
    // these make other logits of them, and let them go
    of: ({ case: { model } }) => !['gemma2', 'granite'].includes(String(model.model_type)),
  },
}

for (const [rule, { is, of }] of Object.entries(RULES)) {
  test(`a changed rule is caught: ${rule}`, () => {
    const about = first.filter(of)
    const missed = about.filter((row) => {
      const { model, train } = settingOf(row)
      const { network, events } = simulate(model, train, stack.dialect, { library: stack.library })
      assert.equal(differences(row, bodyOf(network, events, stack.allocator)), [], row.case.id)
      const changed = halved(events, is)
      return differences(row, bodyOf(network, changed, stack.allocator)).length === 0
    })
    assert.is(missed.map((r) => r.case.id).join(), '')
    assert.ok(about.length >= 30)
  })
}

test.run()
