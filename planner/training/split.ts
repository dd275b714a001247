import type { Chooser } from './defaults.ts'
import { flagOf, type TrainingOptions } from './options.ts'
import type { Parallelism } from './parallelism.ts'
import type { RefusalList } from './refusals.ts'

/**
 * One copy of a model over several devices, as `--tp` and `--pp` say it; undefined where neither does. What of the options does not go
 * together goes to `problems`; what of the model and the step is not modelled is refused where it runs
 * (network/tensor-parallel.ts, shard/pipeline/refusals.ts).
 */
export function splitOf(
  options: TrainingOptions,
  method: string,
  chooser: Chooser,
  problems: RefusalList,
): (Parallelism & { readonly data: { readonly kind: 'alone' } }) | undefined {
  const { tp = 1, pp = 1, gpus = tp * pp } = options
  if (tp === 1 && pp === 1) return undefined
  const said = pp > 1 ? 'pp' : 'tp'
  const no = (code: string, key: string, message: string, next: string): void =>
    problems.add(code, flagOf(key), message, next)
  if (tp > 1 && pp > 1)
    no('not-modelled', 'tp', 'in the stages of --pp is not modelled: none was recorded', 'Leave one of the two out.')
  for (const key of ['fsdp', 'zero'] as const)
    if (options[key] !== undefined)
      no('not-modelled', said, `with --${key} is not modelled: none was recorded`, 'Leave one of the two out.')
  checkDevices(gpus, { tp, pp }, no)
  if (options.gpus === undefined) chooser.note('gpus', String(gpus), `a rank each, as --${said} says`)
  if (pp > 1)
    chooser.note(
      'pipeline',
      '1F1B',
      "torch 2.13's Schedule1F1B over transformers 5.23's stages; micro-batches are --gradient-accumulation, of --batch-size each; the Trainer runs no pipeline itself",
    )
  else
    chooser.note(
      'tensor parallel',
      "transformers' plan",
      "base_model_tp_plan of transformers 5.23 on torch 2.13's DTensor; all ranks see the same batch",
    )
  if (tp > 1 && method !== 'full')
    chooser.note('adapters', 'of PEFT 0.21.2', 'with 0.21.0 nothing sums their parts, and ranks train apart')
  chooser.note(
    'figures',
    `of the rank of ${gpus} that holds most`,
    pp > 1 ? 'stages are simulated one by one' : 'pieces are equal',
  )
  return {
    gpus,
    rank: 0,
    ...(tp > 1 ? { tensor: tp } : {}),
    ...(pp > 1 ? { pipeline: { stages: pp, stage: 0 } } : {}),
    data: { kind: 'alone' },
  }
}

/** One copy of the model takes tp × pp devices; more copies beside it are not modelled. */
function checkDevices(
  gpus: number,
  { tp, pp }: { readonly tp: number; readonly pp: number },
  no: (code: string, key: string, message: string, next: string) => void,
): void {
  const ranks = tp * pp
  const how = pp === 1 ? `--tp ${tp}` : tp === 1 ? `--pp ${pp}` : `--tp ${tp} --pp ${pp}`
  const next = `Say --gpus ${ranks}, or leave it out.`
  if (gpus === ranks) return
  if (gpus % ranks === 0)
    no('not-modelled', 'gpus', `is ${gpus}: ${gpus / ranks} copies of a model over ${how} are not modelled`, next)
  else no('conflict', 'gpus', `is ${gpus}, and a model over ${how} takes ${ranks} devices`, next)
}

/** The same words again. */
export const splitOptions = ({ tensor, pipeline }: Parallelism): Pick<TrainingOptions, 'tp' | 'pp'> => ({
  ...(tensor === undefined ? {} : { tp: tensor }),
  ...(pipeline ? { pp: pipeline.stages } : {}),
})
