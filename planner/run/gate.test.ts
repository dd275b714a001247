import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type ModelSpec, specFromConfig } from '../../models/index.ts'
import { Tape } from '../autograd/tape.ts'
import { TESTED_ENGINES } from '../execute/engines/tested.test.cases.ts'
import { adamW, createExecutor, type Executor, loraFa } from '../execute/index.ts'
import { networkOf } from '../network/index.ts'
import { EXECUTED } from '../network/library.ts'
import type { Network } from '../network/network.ts'
import { resolveTraining } from '../training/resolve.ts'
import { ATTENTIONS, type AttentionKernel, type TrainSpec } from '../training/spec.ts'
import { leavesOf } from '../training/step.ts'

interface Stored {
  readonly shape: readonly number[]
  /** Little-endian float32, base64. */
  readonly data: string
}
interface Gate {
  readonly id: string
  readonly config: Record<string, unknown>
  readonly method: 'full' | 'lora' | 'lora-fa'
  readonly adapter: {
    readonly r: number
    readonly alpha: number
    readonly targets: readonly string[]
    readonly rslora?: boolean
    readonly modules_to_save?: readonly string[]
  } | null
  readonly batch: {
    readonly input_ids: readonly number[][]
    readonly labels: readonly (number | readonly number[])[]
    readonly attention_mask?: readonly number[][]
  }
  readonly loss: number
  readonly logits: Stored
  readonly parameters: Readonly<Record<string, Stored>>
  readonly gradients: Readonly<Record<string, Stored>>
  /** Gradients that are zero but for rounding: they have no scale to be compared on. */
  readonly vanishing: readonly string[] | Readonly<Record<string, unknown>>
  readonly after_step?: {
    readonly optimizer: 'adamw' | 'lorafa'
    readonly lr: number
    readonly betas: readonly [number, number]
    readonly eps: number
    readonly weight_decay: number
    /** Type of the corrected gradient's product: bfloat16 under PEFT's autocast. */
    readonly product?: 'bfloat16' | 'float32'
    readonly parameters: Readonly<Record<string, Stored>>
  }
}

const folder = new URL('../../../fixtures/gate/', import.meta.url)
const gates: Gate[] = readdirSync(folder)
  .filter((f) => f.endsWith('.json'))
  .sort()
  .map((f) => JSON.parse(readFileSync(new URL(f, folder), 'utf8')))

const numbers = ({ data }: Stored): Float32Array => new Float32Array(new Uint8Array(Buffer.from(data, 'base64')).buffer)

/** max |Δ| / max |reference| */
function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  assert.is(got.length, want.length)
  let [difference, scale] = [0, 0]
  for (let i = 0; i < want.length; i++) {
    difference = Math.max(difference, Math.abs(got[i]! - want[i]!))
    scale = Math.max(scale, Math.abs(want[i]!))
  }
  return difference / scale
}

/** A gradient may lie beside PyTorch's by float32 rounding over two layers. */
const TOLERANCE = 1e-4

function prepare(gate: Gate, attention: AttentionKernel): { model: ModelSpec; network: Network; train: TrainSpec } {
  const model = specFromConfig({ ...gate.config, torch_dtype: 'float32' }, { name: gate.id })
  const [row] = gate.batch.input_ids
  const [labels] = gate.batch.labels
  const { train } = resolveTraining(
    model,
    {
      method: gate.method,
      batch_size: gate.batch.input_ids.length,
      seq_len: row!.length,
      attention,
      dtype: 'float32',
      padding: gate.batch.attention_mask !== undefined,
      ...(model.task === 'seq2seq-lm' && typeof labels !== 'number' ? { target_seq_len: labels!.length } : {}),
      ...(gate.adapter
        ? {
            rank: gate.adapter.r,
            lora_alpha: gate.adapter.alpha,
            target_modules: [...gate.adapter.targets],
            adapter_dtype: 'base',
            use_rslora: gate.adapter.rslora === true,
            ...(gate.adapter.modules_to_save ? { modules_to_save: [...gate.adapter.modules_to_save] } : {}),
          }
        : {}),
    },
    { engine: 'wasm' },
  )
  return { model, network: networkOf(model, train, EXECUTED), train }
}

function materialize(executor: Executor, network: Network, gate: Gate) {
  executor.materialize([...network.parameters, ...network.buffers], (p) => {
    const stored = gate.parameters[p.path]
    if (stored) {
      assert.equal(
        [...stored.shape],
        p.axes.map((a) => a.size),
        p.path,
      )
      return numbers(stored)
    }
    assert.is(p.kind, 'buffer', `${p.path} is not in the fixture`)
    const n = p.axes.reduce((k, a) => k * a.size, 1)
    const { init } = p
    if (init.kind === 'arange') return Int32Array.from({ length: n }, (_, i) => i)
    if (init.kind === 'inverse_frequencies') return Float32Array.from({ length: n }, (_, i) => init.theta ** (-i / n))
    if (init.kind === 'constant')
      return p.dtype === 'int64' ? new Int32Array(n).fill(init.value) : new Float32Array(n).fill(init.value)
    return new Int32Array(n)
  })
  assert.is(network.parameters.length, Object.keys(gate.parameters).length, 'as many parameters as transformers has')
}

/** The recorded numbers are eager's; the others give the same in blocks of three tokens, where they exist for the gate's model. */
function attentionsOf({ config }: Gate): readonly AttentionKernel[] {
  const type = String(config.model_type)
  if (type === 't5') return ['eager']
  const capped = type === 'gemma2'
  return ATTENTIONS.filter((a) => a !== 'sdpa' || !capped)
}

for (const engine of TESTED_ENGINES) {
  for (const [gate, attention] of gates.flatMap((g) => attentionsOf(g).map((a) => [g, a] as const))) {
    test(`${engine}: ${gate.id} with ${attention} equals transformers and PEFT: logits, loss, every gradient`, async () => {
      const { network } = prepare(gate, attention)
      const executor = await createExecutor({ engine, seed: 0, sink: () => undefined, tile: 3 })
      try {
        materialize(executor, network, gate)
        const batch = Object.fromEntries(
          network.inputs.map(({ name, axes, dtype }) => {
            const values = (gate.batch[name] ?? []).flat() as number[]
            return [name, executor.input(name, axes, dtype, values)]
          }),
        )
        executor.position.phase = 'forward'
        const tape = new Tape(executor)
        const [logits, loss] = network.forward(tape, batch)
        assert.ok(logits)
        tape.hold(logits)
        tape.hold(loss)
        assert.ok(distance(await executor.read(logits), numbers(gate.logits)) <= TOLERANCE, 'logits')
        assert.ok(Math.abs(Number((await executor.read(loss))[0]) / gate.loss - 1) <= TOLERANCE, 'loss')
        tape.drop(logits)
        tape.backward(loss)
        const leaves = leavesOf(executor, network)
        const vanishing = Array.isArray(gate.vanishing) ? gate.vanishing : Object.keys(gate.vanishing)
        assert.equal(leaves.map((l) => l.parameter!.path).sort(), Object.keys(gate.gradients).sort(), 'what trains')
        for (const leaf of leaves) {
          const path = leaf.parameter!.path
          if (vanishing.includes(path)) continue
          const off = distance(await executor.read(leaf.grad!), numbers(gate.gradients[path]!))
          assert.ok(off <= TOLERANCE, `gradient of ${path}: ${off}`)
        }
        const after = gate.after_step
        if (!after) return
        const { lr, betas, eps, weight_decay: weightDecay, product = 'float32' } = after
        const scaling = gate.adapter ? gate.adapter.alpha / gate.adapter.r : 1
        const optimizer =
          after.optimizer === 'adamw'
            ? adamW(executor, { lr, betas, eps, weightDecay })
            : loraFa(executor, { lr, betas, eps, weightDecay, scaling, parameters: network.parameters, product })
        optimizer.step(leaves)
        for (const p of network.parameters) {
          const want = after.parameters[p.path]
          if (!want) continue
          const off = distance(await executor.read(executor.parameter(p)), numbers(want))
          assert.ok(off <= TOLERANCE, `${p.path} after a step: ${off}`)
        }
      } finally {
        executor.close()
        executor.engine.close()
      }
    })
  }
}

test.run()
