import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { DEFAULT_CONFIG } from '../allocate/torch-cuda/index.ts'
import { DEFAULT_STACK, predictOnDevice, resolveStack } from '../predict/index.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import { KNOB } from './knob.ts'
import { maximize } from './maximize.ts'
import { KNOBS } from './names.ts'

const stack = resolveStack(DEFAULT_STACK)
const MIB = 2 ** 20

const cases = fc
  .record({
    name: fc.constantFrom('smollm2-135m', 'gpt2', 'bert-base', 'pythia-410m', 'opt-125m'),
    layers: fc.integer({ min: 1, max: 5 }),
    method: fc.constantFrom('full', 'lora', 'lora-fa'),
    batch_size: fc.integer({ min: 1, max: 4 }),
    seq_len: fc.integer({ min: 8, max: 120 }),
    gradient_checkpointing: fc.constantFrom('none', 'non-reentrant'),
    knob: fc.constantFrom(...KNOBS),
    mib: fc.integer({ min: 900, max: 2400 }),
  } as const)
  // it has no rank
  .filter(({ method, knob }) => method !== 'full' || knob !== 'rank')

/** The verdict that `estimate --gpu` gives, by the whole way. */
const verdict = (
  model: ReturnType<typeof specFromCatalog>,
  train: TrainSpec,
  gpu: Parameters<typeof maximize>[0]['gpu'],
) => predictOnDevice(model, train, stack, gpu).fit!.fits

test('what is found fits by the verdict of an estimate, and one more does not', () => {
  const seen = { memory: 0, model: 0, none: 0 }
  fc.assert(
    fc.property(cases, ({ name, layers, knob, mib, ...options }) => {
      const model = specFromCatalog(name, { layers })
      const { train } = resolveTraining(model, options, { stack: stack.name })
      const gpu = { name: `${mib} MiB`, bytes: mib * MIB, device: null }
      const { value, limitedBy } = maximize({ model, stack, gpu, config: DEFAULT_CONFIG }, train, knob)
      seen[value === null ? 'none' : limitedBy]++
      const at = (n: number) => verdict(model, KNOB[knob].with(train, n), gpu)
      if (value !== null) assert.ok(at(value), `${value} does not fit`)
      if (limitedBy === 'memory') assert.not(at((value ?? 0) + 1), `${(value ?? 0) + 1} fits as well`)
    }),
    { numRuns: 500, seed: 20261201 },
  )
  assert.ok(
    seen.memory + seen.model + seen.none === 500 && seen.memory > 100 && seen.model > 0 && seen.none > 0,
    JSON.stringify(seen),
  )
})

test('a verdict that is off by one is caught by that property', () => {
  const model = specFromCatalog('smollm2-135m', { layers: 3 })
  const { train } = resolveTraining(model, { method: 'lora', seq_len: 64 }, { stack: stack.name })
  const gpu = { name: '1500 MiB', bytes: 1500 * MIB, device: null }
  const { value } = maximize({ model, stack, gpu, config: DEFAULT_CONFIG }, train, 'batch')
  assert.ok(value !== null && value > 1)
  const at = (n: number) => verdict(model, KNOB.batch.with(train, n), gpu)
  assert.not(at(value! + 1))
  assert.ok(at(value!) && at(value! - 1))
})

test.run()
