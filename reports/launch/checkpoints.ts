import type { TrainingSetting } from '../../planner/result/common.ts'
import { type Launch, refuse } from './launch.ts'
import { python } from './write.ts'

/** What is checkpointed: of how many layers one, and what is kept in it. */
const partsOf = ({ checkpoint_every: every = 1, checkpoint_keep: keep = 'none' }: TrainingSetting) => ({ every, keep })

/** Whether anything but the whole of every layer is checkpointed. */
export function isSelective({ training }: Launch): boolean {
  const { every, keep } = partsOf(training)
  return every > 1 || keep !== 'none'
}

/** For a tool that checkpoints every layer, and it whole. @throws Refusal */
export function requireWhole(tool: string, { training }: Launch): void {
  const { every, keep } = partsOf(training)
  if (every > 1) refuse(tool, '--checkpoint-every', `${every}: it checkpoints every layer`, 'Say --checkpoint-every 1.')
  if (keep !== 'none') refuse(tool, '--checkpoint-keep', `${keep}: it has no word for that`, 'Leave it out.')
}

/**
 * `gradient_checkpointing_kwargs` of TRL: the layers are the Trainer's `every_n_layers`, attention is TRL's `selective`
 * (trl/models/selective_activation_checkpointing.py).
 *
 * @throws Refusal for products, of which no file can say that they are kept
 */
export function checkpointsOfTrl(tool: string, { training }: Launch) {
  if (training.gradient_checkpointing === 'none') return undefined
  const { every, keep } = partsOf(training)
  if (keep === 'products')
    refuse(
      tool,
      '--checkpoint-keep',
      "products: TRL's selective checkpoints keep attention alone",
      'Say --checkpoint-keep attention, or --emit peft.',
    )
  return {
    use_reentrant: training.gradient_checkpointing === 'reentrant',
    every_n_layers: every > 1 ? every : undefined,
    selective: keep === 'attention' ? true : undefined,
  }
}

/** Axolotl's own selective checkpoints. @throws Refusal for a part of the layers */
export function checkpointsOfAxolotl(launch: Launch) {
  const { every, keep } = partsOf(launch.training)
  if (every > 1)
    refuse(
      'axolotl',
      '--checkpoint-every',
      `${every}: it checkpoints every layer`,
      'Say --checkpoint-every 1, or --emit trl.',
    )
  if (keep === 'none') return undefined
  const save = keep === 'products' ? ['attention', 'aten::mm', 'aten::addmm', 'aten::bmm'] : ['attention']
  return { save, save_sliding_window: true }
}

/** Python: the keyword arguments of transformers' `gradient_checkpointing_enable`. */
export function enableCode({ training }: Launch): string {
  const { every, keep } = partsOf(training)
  const reentrant = `"use_reentrant": ${python(training.gradient_checkpointing === 'reentrant')}`
  const context = keep === 'none' ? '' : ', "context_fn": partial(create_selective_checkpoint_contexts, KEPT)'
  return `gradient_checkpointing_kwargs={${reentrant}${context}}${every > 1 ? `, every_n_layers=${every}` : ''}`
}

const ATTENTION = ['flash_attention', 'efficient_attention', 'cudnn_attention', 'flash_attention_for_cpu']
const ATTENTION_OPS = ATTENTION.map((name) => `_scaled_dot_product_${name}`)

/** Python: the operations whose results a checkpoint keeps; empty where it keeps nothing. */
export function keptCode({ training }: Launch): string {
  const { keep } = partsOf(training)
  if (keep === 'none') return ''
  const names = keep === 'products' ? ['mm', 'addmm', 'bmm', ...ATTENTION_OPS] : ATTENTION_OPS
  return `# what a checkpoint keeps, and does not make again
KEPT = [
${names.map((name) => `    torch.ops.aten.${name}.default,`).join('\n')}
]

`
}
