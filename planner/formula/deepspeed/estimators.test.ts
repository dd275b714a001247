import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { stage2States, stage3States } from './estimators.ts'

/** Stage, devices a node, nodes, optimizer and parameters offloaded, `zero.Init`, bytes of host and device. */
type Estimate = readonly [number, number, number, boolean, boolean | null, boolean | null, number, number]
interface Row {
  readonly model: string
  readonly total: number
  readonly largest: number
  readonly estimates: readonly Estimate[]
}

const file = new URL('../../../../fixtures/deepspeed/estimates.jsonl', import.meta.url)
const rows = readFileSync(file, 'utf8').trim().split('\n')

test("every figure of DeepSpeed's own estimators, to the byte", () => {
  assert.is(rows.length, 10)
  for (const line of rows) {
    const { model, total, largest, estimates } = JSON.parse(line) as Row
    assert.is(estimates.length, 40)
    for (const [stage, gpusPerNode, nodes, offloadOptimizer, offloadParameters, zeroInit, host, device] of estimates) {
      const cluster = { gpusPerNode, nodes }
      const options = { offloadOptimizer, offloadParameters: offloadParameters === true, zeroInit: zeroInit === true }
      const got =
        stage === 2 ? stage2States(total, cluster, offloadOptimizer) : stage3States(total, largest, cluster, options)
      assert.equal(got, { host, device }, `${model} stage ${stage} on ${nodes} × ${gpusPerNode}`)
    }
  }
})

const size = fc.integer({ min: 1, max: 2 ** 40 })

test('laws: stage 3 of one module is 4 bytes of it above stage 2 less whole weights; more devices never need more', () => {
  fc.assert(
    fc.property(size, size, fc.integer({ min: 1, max: 64 }), (total, part, gpusPerNode) => {
      const largest = Math.min(total, part)
      const cluster = { gpusPerNode, nodes: 1 }
      const none = { offloadOptimizer: false, offloadParameters: false, zeroInit: true }
      const three = stage3States(total, largest, cluster, none)
      const two = stage2States(total, cluster, false)
      assert.is(three.device - 4 * largest, two.device - 2 * total)
      const more = { gpusPerNode: gpusPerNode + 1, nodes: 1 }
      assert.ok(stage3States(total, largest, more, none).device <= three.device)
      assert.ok(stage2States(total, more, false).device <= two.device)
    }),
  )
})

test.run()
