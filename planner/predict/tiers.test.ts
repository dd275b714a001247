import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { settings } from './settings.test.cases.ts'
import { predictOnDevice } from './tiers.ts'

const PAGE = 2 * 2 ** 20
const gpuOf = (bytes: number) => ({ name: `${bytes} bytes`, bytes, device: null })

test('tiers rise; with what a step needs it fits, with a page less it does not', () => {
  fc.assert(
    fc.property(settings, ({ model, train, stack }) => {
      const { tiers, fit } = predictOnDevice(model, train, stack, gpuOf(2 ** 40))
      const { live, allocated, reserved, process } = tiers
      assert.ok(live <= allocated!.bytes && allocated!.bytes <= reserved! && reserved! < process!.low)
      assert.ok(process!.low < process!.bytes && process!.bytes < process!.high)
      assert.ok(fit!.fits && fit!.needs_bytes! <= process!.high)
      const enough = predictOnDevice(model, train, stack, gpuOf(fit!.needs_bytes!)).fit!
      assert.ok(enough.fits, enough.verdict)
      assert.is(enough.margin_bytes, 0)
      const less = predictOnDevice(model, train, stack, gpuOf(fit!.needs_bytes! - PAGE)).fit!
      assert.not(less.fits)
      assert.ok(less.out_of_memory)
    }),
    { numRuns: 15, seed: 7 },
  )
})

test.run()
