import { DEVICES } from '../../planner/devices/index.ts'
import type { TrainingSetting } from '../../planner/result/common.ts'
import { ATTENTION_NAMES, CHECKPOINTINGS, METHOD_NAMES, WEIGHT_DTYPES } from '../../planner/training/options.ts'
import { defaultTargets } from '../../planner/training/targets.ts'
import type { Control } from '../../reports/whatif.ts'
import type { Setup } from './setup.ts'

/** What the page lets a reader change; `setting` is what holds now, defaults filled in. */
export function controlsOf(setup: Setup, setting: TrainingSetting): Control[] {
  const one = (key: string, label: string, kind: Control['kind'], choices: readonly string[], value: string) => ({
    key,
    label,
    kind,
    choices,
    value,
  })
  const usual = defaultTargets(setup.model.modelType)?.join(',')
  const targets = [...new Set(['all-linear', ...(usual === undefined ? [] : [usual])])]
  const methods = setup.methods.map((m) => m ?? setting.method).join(',')
  return [
    setup.command === 'compare'
      ? one('methods', 'methods', 'many', METHOD_NAMES, methods)
      : one('method', 'method', 'choice', METHOD_NAMES, methods),
    one('batch_size', 'batch', 'number', [], String(setting.batch_size)),
    one('seq_len', 'length', 'number', [], String(setting.seq_len)),
    ...(setting.target_seq_len === undefined
      ? []
      : [one('target_seq_len', 'target length', 'number', [], String(setting.target_seq_len))]),
    one('rank', 'rank', 'number', [], String(setting.rank ?? 8)),
    one('target_modules', 'targets', 'text', targets, setting.target_modules?.join(',') ?? usual ?? 'all-linear'),
    one('dtype', 'dtype', 'choice', WEIGHT_DTYPES, setting.dtype),
    one('attention', 'attention', 'choice', ATTENTION_NAMES, setting.attention),
    one('gradient_checkpointing', 'checkpointing', 'choice', CHECKPOINTINGS, setting.gradient_checkpointing),
    one('gpu', 'GPU', 'text', ['', ...DEVICES.map((d) => d.name)], setup.gpu ?? ''),
  ]
}
