import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { audit } from '../audit.ts'
import { EXECUTED } from '../network/library.ts'
import { bodyOf, simulate } from '../predict/index.ts'
import type { SimulateOptions } from '../predict/simulate.ts'
import { tfjsDialect } from '../simulate/dialects/tfjs.ts'
import { torch } from '../simulate/dialects/torch.ts'
import { tfjsOptimizer } from '../simulate/optimizers/tfjs.ts'
import type { TraceEvent } from '../trace/event.ts'
import type { TrainSpec } from '../training/spec.ts'
import { lineWriter } from './equality.ts'
import { divergence, executeRun } from './index.ts'
import { type Census, census, Mutant, type Mutation } from './mutants.test.cases.ts'
import { FAMILIES, METHODS, modelOf, settingsOf, waysOf } from './settings.test.cases.ts'

const dialect = tfjsDialect('wasm')

/** Simulated events, which go to `seen` one by one as well. */
function simulated(
  family: string,
  train: TrainSpec,
  mutation: Mutation | null,
  { counted = null, seen = () => {} }: { counted?: Census | null; seen?: (e: TraceEvent) => void } = {},
): readonly TraceEvent[] {
  return simulate(modelOf(family), train, dialect, {
    steps: 2,
    audited: true,
    library: EXECUTED,
    optimizer: (s) => tfjsOptimizer(s, train.optimizer),
    simulator: (options) => {
      const sink = (e: TraceEvent): void => {
        options.sink(e)
        seen(e)
      }
      return new Mutant({ ...options, sink }, mutation, counted)
    },
  }).events
}

async function measured(family: string, train: TrainSpec): Promise<TraceEvent[]> {
  const lines: string[] = []
  const request = { model: modelOf(family), train, engine: 'wasm', steps: 2, seed: 1, cutFrom: null } as const
  await executeRun(request, { onTrace: (line) => lines.push(line) })
  return lines.slice(1).map((line) => JSON.parse(line))
}

class Parted extends Error {}

/** Caught by the comparison, at the first event that differs, by the auditor, or because the step itself breaks. */
function isCaught(family: string, train: TrainSpec, mutation: Mutation | null, truth: readonly string[]): boolean {
  const line = lineWriter()
  let at = 0
  const seen = (e: TraceEvent): void => {
    const written = line(e)
    if (written !== null && written !== truth[at++]) throw new Parted()
  }
  try {
    const events = simulated(family, train, mutation, { seen })
    return at !== truth.length || audit(events).length > 0
  } catch {
    return true
  }
}

const tally = { mutants: 0, killed: 0 }

/** Makes everything wrong in turn that a setting's steps do, and each must be caught. */
async function killAll(family: string, train: TrainSpec): Promise<void> {
  const measuredEvents = await measured(family, train)
  const counted = census()
  const events = simulated(family, train, null, { counted })
  assert.is(divergence(events, measuredEvents), null, 'unmutated, the traces are equal')
  const line = lineWriter()
  const truth = measuredEvents.map(line).filter((l) => l !== null)
  assert.not.ok(isCaught(family, train, null, truth), 'what is right is not caught')
  const mutations: Mutation[] = [
    ...[...counted.saves.values()].map((s) => ({ kind: 'save dropped', ...s }) as const),
    ...[...counted.unsaved.values()].map((s) => ({ kind: 'input saved', ...s }) as const),
    ...[...counted.results].map((op) => ({ kind: 'result doubled', op }) as const),
    ...Array.from({ length: 20 }, (_, i) => Math.floor((i * counted.releases) / 20)).map(
      (at) => ({ kind: 'release dropped', at }) as const,
    ),
  ]
  for (const m of mutations) {
    tally.mutants++
    const caught = isCaught(family, train, m, truth)
    if (caught) tally.killed++
    assert.ok(caught, `survived: ${JSON.stringify(m)}`)
  }
}

for (const family of ['llama']) {
  for (const way of waysOf(family)) {
    test(`${family}, ${way.attention}${way.padding ? ', padded' : ''}, checkpointed: all that is made wrong is caught`, async () => {
      await killAll(family, { ...settingsOf(family, 'lora-fa')[2]!, ...way, checkpointing: 'non-reentrant' })
    })
  }
}

for (const family of FAMILIES) {
  for (const method of METHODS) {
    test(`${family} ${method}: every save rule, release and size made wrong is caught`, async () => {
      await killAll(family, settingsOf(family, method)[2]!)
    })
  }

  test(`${family}: A trainable under LoRA-FA is caught`, async () => {
    const train = settingsOf(family, 'lora-fa')[0]!
    const truth = await measured(family, train)
    tally.mutants++
    const caught = divergence(simulated(family, { ...train, method: 'lora' }, null), truth) !== null
    if (caught) tally.killed++
    assert.ok(caught)
  })
}

/** Settings whose peaks lie in different places of the step. */
const PLACES: readonly { family: string; train: TrainSpec }[] = FAMILIES.flatMap((family) =>
  METHODS.flatMap((method) =>
    (['bfloat16', 'float32'] as const).map((dtype) => {
      const train = settingsOf(family, method)[0]!
      return { family, train: { ...train, dtype, optimizerImpl: 'fused' as const, tokens: 30, targetTokens: 21 } }
    }),
  ),
)

test("the tape's order and release made wrong are caught by PyTorch's figures or the auditor", () => {
  const figures = (network: Parameters<typeof bodyOf>[0], events: readonly TraceEvent[]) => {
    const { step, first_step, peak } = bodyOf(network, events)
    return JSON.stringify([step, first_step, peak.bytes])
  }
  class LateRelease extends Mutant {
    override onUnsave(): void {}
  }
  const wrong: Record<string, SimulateOptions> = {
    'order: first recorded first': { order: (a, b) => a - b },
    'order: neighbours swapped': { order: (a, b) => (b ^ 1) - (a ^ 1) },
    'release: saved tensors never let go': { simulator: (o) => new LateRelease(o, null) },
  }
  for (const [name, options] of Object.entries(wrong)) {
    tally.mutants++
    const caught = PLACES.some(({ family, train }) => {
      const right = simulate(modelOf(family), train, torch)
      try {
        const { network, events } = simulate(modelOf(family), train, torch, { ...options, audited: true })
        return figures(network, events) !== figures(right.network, right.events) || audit(events).length > 0
      } catch {
        return true
      }
    })
    if (caught) tally.killed++
    assert.ok(caught, `survived: ${name}`)
  }
})

test('the kill rate is 100 %', () => {
  console.log(`# ${tally.killed} of ${tally.mutants} mutants killed`)
  assert.ok(tally.mutants > 300)
  assert.is(tally.killed, tally.mutants)
})

test.run()
