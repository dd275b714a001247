import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromConfig } from '../../models/index.ts'
import { networkOf } from '../network/index.ts'
import { CHECKPOINTING, type CheckpointMode } from '../ops/ops.ts'
import { simulate } from '../predict/simulate.ts'
import { divergence } from '../run/equality.ts'
import { batchValues, initialValues } from '../run/values.ts'
import { tfjsDialect } from '../simulate/dialects/tfjs.ts'
import { tfjsOptimizer } from '../simulate/optimizers/tfjs.ts'
import type { TraceEvent } from '../trace/event.ts'
import type { Method, TrainSpec } from '../training/spec.ts'
import { trainStep } from '../training/step.ts'
import type { EngineName } from './engines/engine.ts'
import { TESTED_ENGINES } from './engines/tested.test.cases.ts'
import { adamW, createExecutor } from './index.ts'

const CONFIG = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 23,
  hidden_size: 16,
  intermediate_size: 20,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
  hidden_act: 'silu',
}

type Selective = Pick<TrainSpec, 'checkpointEvery' | 'checkpointKeep' | 'attention'>

const trainOf = (method: Method, checkpointing: CheckpointMode, selective: Partial<Selective> = {}): TrainSpec => ({
  method,
  batch: 2,
  tokens: 5,
  targetTokens: 5,
  dtype: 'float32',
  autocast: 'none',
  attention: 'eager',
  padding: false,
  optimizer: 'adamw',
  optimizerImpl: 'for-loop',
  checkpointing,
  accumulation: 1,
  reference: false,
  task: 'causal-lm',
  adapter:
    method === 'full'
      ? null
      : { rank: 2, alpha: 4, dropout: 0.25, targets: ['all-linear'], dtype: 'base', rslora: false },
  ...selective,
})

/** Two steps: their trace, what each gradient was, and the losses. */
async function execute(engine: EngineName, train: TrainSpec) {
  const network = networkOf(specFromConfig(CONFIG, { name: 'tiny' }), train)
  const events: TraceEvent[] = []
  const executor = await createExecutor({ engine, seed: 4, sink: (e) => events.push(e) })
  const gradients = new Map<string, number[]>()
  const losses: number[] = []
  try {
    executor.materialize([...network.parameters, ...network.buffers], (p) => initialValues(p, 2))
    const inputs = network.inputs.map((i) => [i.name, executor.input(i.name, i.axes, i.dtype, batchValues(i, 23, 2))])
    const optimizer = adamW(executor, { lr: 1e-2 })
    for (let step = 0; step < 2; step++) {
      const pending: Promise<unknown>[] = []
      const watching: typeof optimizer = {
        step(leaves) {
          for (const l of leaves) {
            pending.push(executor.read(l.grad!).then((g) => gradients.set(`${step} ${l.parameter!.path}`, [...g])))
          }
          optimizer.step(leaves)
        },
      }
      for (const loss of trainStep(executor, network, Object.fromEntries(inputs), watching, step)) {
        losses.push((await executor.read(loss))[0]!)
      }
      await Promise.all(pending)
    }
  } finally {
    executor.close()
    executor.engine.close()
  }
  return { events, gradients, losses }
}

const predict = (engine: EngineName, train: TrainSpec): readonly TraceEvent[] =>
  simulate(specFromConfig(CONFIG, { name: 'tiny' }), train, tfjsDialect(engine), {
    steps: 2,
    optimizer: (s) => tfjsOptimizer(s, train.optimizer),
  }).events

for (const engine of TESTED_ENGINES) {
  for (const method of ['full', 'lora', 'lora-fa'] as const) {
    test(`${engine}, ${method}: checkpointed or not, the measured trace is the predicted one and the gradients are the same`, async () => {
      const plain = await execute(engine, trainOf(method, 'none'))
      assert.ok(plain.gradients.size > 0)
      for (const mode of CHECKPOINTING) {
        const train = trainOf(method, mode)
        const run = await execute(engine, train)
        assert.is(divergence(predict(engine, train), run.events), null)
        assert.equal(run.losses, plain.losses)
        assert.equal(run.gradients, plain.gradients)
      }
    })

    test(`${engine}, ${method}: so it is where some layers are checkpointed, or where a checkpoint keeps results`, async () => {
      for (const attention of ['eager', 'sdpa'] as const) {
        const plain = await execute(engine, trainOf(method, 'none', { attention }))
        for (const some of [
          { checkpointEvery: 2 },
          { checkpointKeep: 'attention' },
          { checkpointKeep: 'products' },
        ] as const) {
          const train = trainOf(method, 'non-reentrant', { attention, ...some })
          const run = await execute(engine, train)
          assert.is(divergence(predict(engine, train), run.events), null)
          assert.equal(run.losses, plain.losses)
          assert.equal(run.gradients, plain.gradients)
        }
      }
    })
  }
}

test.run()
