import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ModelSpec } from '../../models/index.ts'
import { Tape } from '../autograd/tape.ts'
import { createExecutor, type Executor } from '../execute/index.ts'
import { networkOf } from '../network/index.ts'
import type { Batch, Network } from '../network/network.ts'
import { leavesOf } from '../training/step.ts'
import { FAMILIES, METHODS, modelOf, settingsOf } from './settings.test.cases.ts'
import { batchValues, initialValues, randomStream } from './values.ts'

type Held = ReturnType<Executor['parameter']>

/** Loss of the network as its parameters stand; `withGradients` leaves them on the leaves. */
function lossOf(executor: Executor, network: Network, batch: Batch<Held>, withGradients: boolean): number {
  const tape = new Tape(executor)
  executor.position.phase = 'forward'
  const [logits, loss] = network.forward(tape, batch)
  if (logits) tape.hold(logits)
  tape.hold(loss)
  const value = Number(executor.values(loss)[0])
  if (logits) tape.drop(logits)
  if (withGradients) tape.backward(loss)
  tape.finish(loss)
  return value
}

/** The same loss each time. */
function withoutDropout(model: ModelSpec): ModelSpec {
  const kept = Object.entries(model).map(([field, value]) => [field, /dropout$/i.test(field) ? 0 : value] as const)
  // Only probabilities were replaced.
  return Object.fromEntries(kept) as unknown as ModelSpec
}

/** Along a unit direction: the loss changes in its fourth digit of seven, and its curvature does not yet show. */
const STEP = 1e-3
const TOLERANCE = 1e-2

for (const family of FAMILIES) {
  for (const method of METHODS) {
    test(`${family} ${method}: the slope along a random direction is the gradients' product with it`, async () => {
      const train = settingsOf(family, method)[0]!
      const model = withoutDropout(modelOf(family))
      const network = networkOf(model, train)
      const executor = await createExecutor({ engine: 'wasm', seed: 0, sink: () => undefined })
      try {
        // B starts at zero, where A has no slope: every matrix gets numbers of its own here.
        executor.materialize([...network.parameters, ...network.buffers], (p) =>
          initialValues(p.axes.length === 2 ? { ...p, init: { kind: 'normal', std: 0.15 } } : p, 11),
        )
        const batch = Object.fromEntries(
          network.inputs.map((input) => {
            const limit = input.name === 'labels' && 'labels' in model ? 2 : 50
            return [input.name, executor.input(input.name, input.axes, input.dtype, batchValues(input, limit, 2))]
          }),
        )
        lossOf(executor, network, batch, true)
        const random = randomStream(3)
        const leaves = leavesOf(executor, network).map((leaf) => ({
          leaf,
          direction: Float32Array.from(executor.values(leaf.variable), () => random() - 0.5),
        }))
        // Along the gradient and a random part: a random direction alone is nearly flat in so many dimensions.
        let norm = 0
        for (const { leaf, direction } of leaves) {
          const g = executor.values(leaf.grad!)
          for (let i = 0; i < direction.length; i++) direction[i] = g[i]! + 0.02 * direction[i]!
          for (const v of direction) norm += v * v
        }
        norm = Math.sqrt(norm)
        let slope = 0
        for (const { leaf, direction } of leaves) {
          const g = executor.values(leaf.grad!)
          for (let i = 0; i < direction.length; i++) {
            direction[i]! /= norm
            slope += g[i]! * direction[i]!
          }
        }
        const moved = (by: number): number => {
          for (const { leaf, direction } of leaves) {
            const values = executor.values(leaf.variable)
            for (let i = 0; i < direction.length; i++) values[i] = values[i]! + by * direction[i]!
          }
          return lossOf(executor, network, batch, false)
        }
        const up = moved(STEP)
        const down = moved(-2 * STEP)
        const measured = (up - down) / (2 * STEP)
        assert.ok(Math.abs(measured / slope - 1) <= TOLERANCE, `${measured} measured, ${slope} computed`)
      } finally {
        executor.close()
        executor.engine.close()
      }
    })
  }
}

test.run()
