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
import { divergence, executeRun } from './index.ts'
import { type Census, census, Mutant, type Mutation } from './mutants.test.cases.ts'
import { FAMILIES, METHODS, modelOf, settingsOf, waysOf } from './settings.test.cases.ts'

const dialect = tfjsDialect('wasm')

function simulated(
  family: string,
  train: TrainSpec,
  mutation: Mutation | null,
  counted: Census | null = null,
): TraceEvent[] {
  const { events } = simulate(modelOf(family), train, dialect, {
    steps: 2,
    audited: true,
    library: EXECUTED,
    optimizer: (s) => tfjsOptimizer(s, train.optimizer),
    simulator: (options) => new Mutant(options, mutation, counted),
  })
  return [...events]
}

async function measured(family: string, train: TrainSpec): Promise<TraceEvent[]> {
  const lines: string[] = []
  const request = { model: modelOf(family), train, engine: 'wasm', steps: 2, seed: 1, cutFrom: null } as const
  await executeRun(request, { onTrace: (line) => lines.push(line) })
  return lines.slice(1).map((line) => JSON.parse(line))
}

/** Caught by the comparison, by the auditor, or because the step itself breaks. */
function isCaught(make: () => TraceEvent[], truth: readonly TraceEvent[]): boolean {
  try {
    const events = make()
    return divergence(events, truth) !== null || audit(events).length > 0
  } catch {
    return true
  }
}

const tally = { mutants: 0, killed: 0 }

/** Makes everything wrong in turn that a setting's steps do, and each must be caught. */
async function killAll(family: string, train: TrainSpec): Promise<void> {
  const truth = await measured(family, train)
  const counted = census()
  assert.is(divergence(simulated(family, train, null, counted), truth), null, 'unmutated, the traces are equal')
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
    const caught = isCaught(() => simulated(family, train, m), truth)
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
