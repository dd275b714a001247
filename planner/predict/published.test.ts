import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { specFromCatalog } from '../../models/index.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import { predict, resolveStack } from './index.ts'

// Mistral-7B on an A100, as others measured it: what torch had allocated at most, against the tier of allocated bytes.
//
// Not held here, since the kernels of these runs are not modelled:
// - rows whose framework_config names foak (fused cross entropy, RMS norm, RoPE and LoRA), where the peak is not the
//   optimizer's: they keep other tensors, and lie up to a quarter lower;
// - most rows with liger, which all have foak's other kernels too: with the fused loss alone LoRA at batch 16 comes out 0.54 %
//   low, 4-bit bases 0.54 % to 0.75 % high, full fine-tuning at batch 16 2.4 % high;

interface Row {
  readonly framework_config: string
  readonly method: 'full' | 'lora' | 'qlora'
  readonly rank: number | null
  readonly batch: number
  readonly seq: number
  readonly autocast: 'none' | 'bfloat16'
  readonly stack: { readonly transformers: string }
  readonly measured_bytes: number
  readonly steady_bytes: number
}

const file = new URL('../../../fixtures/published/fms-acceleration-mistral-7b.json', import.meta.url)
const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { readonly rows: readonly Row[] }

const STACK = resolveStack('transformers-4.48')
const A100 = { name: 'a100-80gb', bytes: 81_920 * 2 ** 20 }

/** PEFT's projections of attention; `c_attn`, which some runs name too, is in no Mistral. */
const TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj']

function predicted(row: Row) {
  const model = specFromCatalog('mistral-7b')
  const options: TrainingOptions = {
    method: row.method,
    batch_size: row.batch,
    seq_len: row.seq,
    autocast: row.autocast,
    attention: 'flash_attention_2',
    gradient_checkpointing: 'reentrant',
    fused_loss: row.framework_config.endsWith('liger') ? 'liger' : 'none',
    ...(row.rank === null ? {} : { rank: row.rank, target_modules: TARGETS }),
    ...(row.method === 'qlora' ? { quantize: 'nf4-double', ...casts(row) } : {}),
  }
  const { train } = resolveTraining(model, options, { stack: STACK.name })
  return predict(model, train, STACK, A100)
}

/** The baseline goes through TRL's SFTTrainer, which prepares the model and takes part of that back; the plugin does neither. */
const casts = ({ framework_config }: Row): TrainingOptions => {
  const baseline = framework_config === 'baseline-peft-bnb'
  return { prepare_kbit: baseline, trl_casts: baseline }
}

const allocated = (row: Row): number => predicted(row).tiers.allocated!.bytes

const of = (config: string, method: Row['method']) =>
  rows.filter((r) => r.framework_config === config && r.method === method && r.stack.transformers === '4.48.1')

function within(row: Row, share: number): void {
  const error = allocated(row) / row.measured_bytes - 1
  const name = `${row.framework_config} ${row.method} ${row.batch} × ${row.seq}`
  assert.ok(Math.abs(error) <= share, `${name}: off by ${(100 * error).toFixed(4)} %`)
}

test('stock kernels: allocated bytes within 0.02 %', () => {
  const stock = [...of('none', 'full'), ...of('none', 'lora')]
  assert.is(stock.length, 4)
  for (const row of stock) within(row, 0.0002)
})

test('4-bit bases with stock kernels, prepared or not: within 0.02 %', () => {
  const rows4 = [...of('accelerated-peft-bnb', 'qlora'), ...of('baseline-peft-bnb', 'qlora')]
  assert.is(rows4.length, 4)
  for (const row of rows4) within(row, 0.0002)
})

test('fused kernels change nothing where the optimizer sets the peak: within 0.5 %', () => {
  const fused = rows.filter((r) => r.framework_config === 'foak-fast-kernels' && r.method === 'full')
  assert.is(fused.length, 4)
  for (const row of fused) {
    assert.is(predicted(row).peak.phase, 'optimizer')
    within(row, 0.005)
  }
})

test("liger's fused loss, and foak's kernels with it: LoRA at batch 4 and 8 within 0.5 %", () => {
  const liger = rows.filter((r) => r.framework_config === 'foak-fast-kernels-liger' && r.batch <= 8)
  assert.is(liger.length, 4)
  for (const row of liger) within(row, 0.005)
})

test('bytes a token: the slope over the batch within 0.05 %', () => {
  for (const [few, many] of [
    of('none', 'lora'),
    of('accelerated-peft-bnb', 'qlora'),
    of('baseline-peft-bnb', 'qlora'),
  ]) {
    const tokens = many!.batch * many!.seq - few!.batch * few!.seq
    const measured = (many!.measured_bytes - few!.measured_bytes) / tokens
    const slope = (allocated(many!) - allocated(few!)) / tokens
    assert.ok(Math.abs(slope / measured - 1) <= 0.0005, `${slope} against ${measured} bytes a token`)
  }
})

test('what stays when training has ended: weights, optimizer state, the last batch and two workspaces', () => {
  for (const row of [
    ...of('none', 'lora'),
    ...of('accelerated-peft-bnb', 'qlora'),
    ...of('baseline-peft-bnb', 'qlora'),
  ]) {
    const { static: s, optimizer_state_bytes, tiers } = predicted(row)
    const kept = s.parameters_bytes + s.quantization_bytes + s.buffers_bytes + optimizer_state_bytes
    // input_ids, labels and attention_mask: the collator's mask of ones is a tensor too
    const batch = 3 * 8 * row.batch * row.seq
    const steady = kept + batch + tiers.allocated!.workspaces_bytes
    assert.ok(Math.abs(steady - row.steady_bytes) < 2 ** 17, `${steady - row.steady_bytes} bytes`)
  }
})

test('a workspace is 32 MiB on Hopper and later', () => {
  const { tiers } = predicted(rows.find((r) => r.method === 'lora')!)
  assert.is(tiers.allocated!.workspaces_bytes, 2 * 8_519_680)
  assert.is(STACK.allocator.workspaces('h100').bytes, 2 * 32 * 2 ** 20)
  assert.is(STACK.allocator.workspaces(null).bytes, 2 * 8_519_680)
})

test.run()
