import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import { DEFAULT_CONFIG } from '../allocate/torch-cuda/index.ts'
import { capacityOf, findDevices } from '../devices/index.ts'
import { DEFAULT_STACK, peakOf, predictOnDevice, resolveStack, Sweep } from '../predict/index.ts'
import { resolveTraining } from '../training/resolve.ts'
import { Candidates } from './candidate.ts'
import { LEVER } from './lever.ts'
import type { Place } from './maximize.ts'
import type { LeverName } from './names.ts'
import { Frontier } from './pareto.ts'
import { search } from './search.ts'

const stack = resolveStack(DEFAULT_STACK)
const device = findDevices('rtx4090')[0]!

const placeOf = (name: string, layers: number, mib: number): Place => ({
  model: specFromCatalog(name, { layers }),
  stack,
  gpu: { name: `${mib} MiB`, bytes: mib * 2 ** 20, device },
  config: DEFAULT_CONFIG,
})

const cases = fc.record({
  name: fc.constantFrom('smollm2-135m', 'gpt2', 'bert-base', 't5-small'),
  layers: fc.integer({ min: 1, max: 4 }),
  method: fc.constantFrom('full', 'lora', 'lora-fa'),
  batch_size: fc.constantFrom(1, 2, 8),
  seq_len: fc.integer({ min: 16, max: 128 }),
  mib: fc.integer({ min: 700, max: 2000 }),
} as const)

test('every option fits by the verdict of an estimate, and none beats another', () => {
  let options = 0
  fc.assert(
    fc.property(cases, ({ name, layers, mib, ...asked }) => {
      const place = placeOf(name, layers, mib)
      const { train } = resolveTraining(place.model, asked, { stack: stack.name })
      const found = search(place, train, { fixed: new Set<LeverName>(['targets']), top: 4 })
      const alone = new Frontier(found.options, () => true)
      assert.ok(found.options.every((o) => alone.has(o)))
      for (const option of found.options) {
        options++
        const { fit, tiers } = predictOnDevice(place.model, option.train, stack, place.gpu)
        assert.ok(fit!.fits, JSON.stringify(option.train))
        assert.is(option.peak.bytes, tiers.live)
        assert.is(option.peak.bytes, peakOf(place.model, option.train, stack).bytes)
        const told = option.steps.reduce((bytes, step) => bytes + step.bytes, found.asked.peak.blocks)
        assert.is(told, option.peak.blocks)
      }
    }),
    { numRuns: 12, seed: 20261201 },
  )
  assert.ok(options > 12, `${options} options`)
})

test('a lever that is fixed stays', () => {
  const place = placeOf('smollm2-135m', 3, 1200)
  const { train } = resolveTraining(place.model, { method: 'lora', batch_size: 8 }, { stack: stack.name })
  const fixed = new Set<LeverName>(['method', 'quantize', 'rank'])
  const { options } = search(place, train, { fixed, top: 50 })
  assert.ok(options.length > 0)
  for (const { train: found, steps } of options) {
    assert.is(found.method, 'lora')
    assert.is(found.adapter?.rank, 8)
    assert.is(found.quantize, undefined)
    assert.not(steps.some(({ lever }) => fixed.has(lever)))
  }
})

test('what was asked for stays in every setting, and each lever of full fine-tuning is pulled', () => {
  const place = placeOf('mistral-7b', 2, 8000)
  const asked = { method: 'full', batch_size: 2, seq_len: 32, padding: true, fused_loss: 'liger' } as const
  const { train } = resolveTraining(place.model, asked, { stack: stack.name })
  const candidates = new Candidates(place)
  const start = candidates.of(train)
  for (const optimizer of LEVER.optimizer.others(train)) {
    const after = candidates.after(start, 'optimizer', optimizer)
    assert.is(after?.train.optimizer, optimizer.optimizer)
    assert.ok(after!.train.padding && after!.train.fusedLoss === 'liger')
    assert.ok(after!.peak.blocks < start.peak.blocks)
  }
  assert.is(LEVER.optimizer.others(train).length, 3)
  const older = resolveStack('transformers-4.48')
  const foak = resolveTraining(
    place.model,
    { method: 'lora', fused_kernels: 'foak', autocast: 'bfloat16' },
    { stack: older.name },
  ).train
  const there = new Candidates({ ...place, stack: older })
  assert.is(there.after(there.of(foak), 'rank', { rank: 16 })?.train.fusedKernels, 'foak')
})

test('checkpointing takes time, LoRA-FA takes less than LoRA', () => {
  const place: Place = {
    ...placeOf('llama-3.2-1b', 16, 1),
    gpu: { name: device.name, bytes: capacityOf(device), device },
  }
  const { train } = resolveTraining(place.model, { method: 'lora', seq_len: 512 }, { stack: stack.name })
  const sweep = new Sweep(stack)
  const flops = (change: Partial<typeof train>) => sweep.work(place.model, { ...train, ...change }).flops
  assert.ok(flops({ checkpointing: 'non-reentrant' }) > 1.25 * flops({}))
  assert.ok(flops({ method: 'lora-fa' }) < flops({}))
})

test.run()
