import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { listModels, specFromCatalog } from '../../models/index.ts'
import type { OpName } from '../ops/attributes.ts'
import { type Recorded, settingOfRow, stackOfRow } from '../pages/recorded.ts'
import { isEmbedding } from '../simulate/optimizers/adamw-8bit.ts'
import { Simulator } from '../simulate/simulator.ts'
import { resolveTraining } from '../training/resolve.ts'
import { withLayers } from './depths.ts'
import { DEFAULT_STACK, resolveStack } from './index.ts'
import { simulate } from './simulate.ts'

const rows: Recorded[] = readFileSync(new URL('../../../fixtures/pytorch/optimizers.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

test('what a paged optimizer has in managed memory is what was recorded there', () => {
  let some = 0
  for (const row of rows) {
    const stack = stackOfRow(row)
    const { model, train } = settingOfRow(row.case, stack.name)
    const { events } = simulate(model, train, stack.dialect, { library: stack.library })
    let bytes = 0
    for (const e of events) if (e.action === 'alloc' && e.device === 'managed') bytes += e.bytes
    assert.is(bytes, row.step.managed ?? 0, row.case.id)
    if (bytes > 0) some++
  }
  assert.ok(some > 0)
})

/** Notes which parameters an embedding looks rows up in. */
class Noting extends Simulator {
  readonly tables = new Set<string>()

  override operation<N extends OpName>(op: N) {
    const made = super.operation(op)
    if (op !== 'embedding') return made
    return {
      forward: (call: Parameters<typeof made.forward>[0]) => {
        const path = call.inputs[0]?.leaf?.parameter?.path
        if (path) this.tables.add(path)
        return made.forward(call)
      },
      backward: (call: Parameters<typeof made.backward>[0]) => made.backward(call),
    }
  }
}

test('the weights whose 8-bit state keeps 32 bits are those that an embedding reads, in every family', () => {
  const stack = resolveStack(DEFAULT_STACK)
  const families = new Set<string>()
  for (const name of listModels()) {
    const model = specFromCatalog(name)
    if (families.has(model.modelType) || model.modelType === 'mistral') continue
    families.add(model.modelType)
    const options = { method: 'full', attention: 'eager', seq_len: 8, optimizer: 'sgd' } as const
    const { train } = resolveTraining(model, options, { stack: stack.name })
    const noted: Noting[] = []
    const { network } = simulate(withLayers(model, 2), train, stack.dialect, {
      library: stack.library,
      simulator: (o) => {
        const noting = new Noting(o)
        noted.push(noting)
        return noting
      },
    })
    const named = network.parameters.map((p) => p.path).filter(isEmbedding)
    assert.equal(named.sort(), [...noted[0]!.tables].sort(), name)
  }
  assert.ok(families.size >= 12)
})

test.run()
