import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { axis } from '../../../trace/axes.ts'
import { EngineError } from '../../errors.ts'
import { Executor } from '../../executor.ts'
import { adamW } from '../../optimizers/adamw.ts'
import { TESTED_ENGINES } from '../tested.test.cases.ts'
import { adapterOf, Faults, SOFTWARE } from './adapter.ts'
import { limit, load } from './engine.ts'
import type { Gpu, GpuAdapter, GpuDevice } from './gpu.ts'

const limits: GpuAdapter['limits'] = {
  maxStorageBufferBindingSize: 1024,
  maxBufferSize: 4096,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeWorkgroupsPerDimension: 65535,
  maxComputeWorkgroupSizeX: 256,
  maxComputeInvocationsPerWorkgroup: 256,
}
const adapter = (vendor: string, architecture: string, description: string): GpuAdapter => ({
  info: { vendor, architecture, device: '', description },
  limits,
  requestDevice: () => Promise.reject(new Error('no device')),
})
const only = (one: GpuAdapter | null): Gpu => ({ requestAdapter: () => Promise.resolve(one) })

async function refusalOf(work: () => unknown): Promise<EngineError> {
  try {
    await work()
  } catch (e) {
    assert.instance(e, EngineError)
    return e as EngineError
  }
  throw new Error('nothing was refused')
}

test('software adapters are refused unless asked for, and a missing one says what to install', async () => {
  const gpu = adapter('nvidia', 'hopper', 'NVIDIA H100')
  assert.is(await adapterOf(only(gpu), {}), gpu)
  for (const software of [
    adapter('mesa', 'software', 'llvmpipe: Mesa 25.0.7'),
    adapter('google', 'swiftshader', 'SwiftShader Device'),
    adapter('microsoft', 'warp', 'Microsoft Basic Render Driver'),
  ]) {
    const { next } = await refusalOf(() => adapterOf(only(software), {}))
    assert.match(next, new RegExp(`${SOFTWARE}=1`))
    assert.is(await adapterOf(only(software), { [SOFTWARE]: '1' }), software)
  }
  assert.match((await refusalOf(() => adapterOf(only(null), {}))).next, /Vulkan driver/)
})

test('a tensor over what the adapter binds is refused before the table lists it', async () => {
  const written: number[] = []
  const backend = {
    write: (_values: unknown, shape: readonly number[]) => {
      written.push(shape[0]!)
      return {}
    },
  }
  limit(backend, { limits })
  backend.write(null, [256])
  const { code, message } = await refusalOf(() => backend.write(null, [257]))
  assert.is(code, 'out-of-memory')
  assert.match(message, /1028 bytes is more than the 1024/)
  assert.equal(written, [256])
})

test('the first error or loss that the device reports is thrown from then on', async () => {
  let report: Parameters<GpuDevice['addEventListener']>[1] = () => undefined
  let lose: (info: { reason: string; message: string }) => void = () => undefined
  const device = () => ({
    addEventListener: (_: string, listener: typeof report) => {
      report = listener
    },
    lost: new Promise<{ reason: string; message: string }>((resolve) => {
      lose = resolve
    }),
  })
  // The listeners use these members only.
  const erring = new Faults(device() as unknown as GpuDevice)
  erring.check()
  report({ error: { message: 'first' } })
  report({ error: { message: 'second' } })
  assert.is((await refusalOf(() => erring.check())).message, 'first')
  const losing = new Faults(device() as unknown as GpuDevice)
  lose({ reason: 'unknown', message: 'gone' })
  await Promise.resolve()
  assert.match((await refusalOf(() => losing.check())).message, /lost \(unknown\): gone/)
})

if (TESTED_ENGINES.includes('webgpu')) {
  test('the buffers that the backend holds are the ledger’s bytes, at every event', async () => {
    const engine = await load()
    const before = engine.bufferBytes
    const apart: string[] = []
    let [live, events] = [0, 0]
    const executor = new Executor({
      engine,
      seed: 1,
      sink: (e) => {
        events++
        if (e.action === 'free') live -= e.bytes
        // An entry is listed just before its buffer is made and taken off just after that is destroyed.
        if (e.action === 'free' && engine.bufferBytes - before !== live) apart.push(`${e.op} ${e.seq}`)
        if (e.action === 'alloc') live += e.bytes
      },
    })
    const [n, m] = [axis('n', 5), axis('m', 3)]
    const { primitives: p } = executor
    const x = p.upload(new Float32Array(15).fill(2), [n, m], 'float32')
    const flags = p.upload([1, 0, 1], [m], 'bool')
    const turned = p.turned(x, [1, 0])
    const y = p.product(x, turned, [n, n])
    assert.is(engine.bufferBytes - before, executor.ledger.bytes)
    assert.is(executor.ledger.bytes, 60 + 12 + 60 + 100)
    p.free(turned)
    assert.equal([...(await executor.read(y))], new Array(25).fill(12))
    assert.equal([...(await executor.read(flags))], [1, 0, 1])
    p.free(x, y, flags)
    assert.is(engine.bufferBytes, before)
    assert.ok(events > 0)
    assert.equal(apart, [])
    executor.close()
  })

  test('what is changed in place is read anew, and is known to the host no more', async () => {
    const engine = await load()
    const executor = new Executor({ engine, seed: 1, sink: () => undefined })
    const n = axis('n', 4)
    const weight = executor.keep([n], 'float32', 'parameter', [1, 2, 3, 4], 'weight')
    const grad = executor.keep([n], 'float32', 'gradient', [1, -1, 1, -1], 'grad')
    assert.equal([...(await executor.read(weight))], [1, 2, 3, 4])
    assert.equal([...executor.primitives.known(weight)], [1, 2, 3, 4])
    adamW(executor, { lr: 0.5, weightDecay: 0 }).step([{ variable: weight, parameter: null, grad }])
    assert.equal(
      [...(await executor.read(weight))].map((w) => w.toFixed(3)),
      ['0.500', '2.500', '2.500', '4.500'],
    )
    assert.is((await refusalOf(() => executor.primitives.known(weight))).code, 'not-on-host')
    assert.is((await refusalOf(() => engine.values())).code, 'not-on-host')
    executor.close()
  })

  test('the adapter refuses a tensor that it cannot bind, and the engine works on', async () => {
    const engine = await load()
    const before = engine.table.numDataIds()
    assert.is((await refusalOf(() => engine.zeros([2 ** 34], 'float32'))).code, 'out-of-memory')
    assert.is(engine.table.numDataIds(), before)
    engine.zeros([4], 'float32').dispose()
  })
}

test.run()
