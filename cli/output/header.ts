import type { TrainingSetting } from '../../planner/result/common.ts'
import type { Adapted } from '../model/adapted.ts'
import { batchName, checkpointingName, optimizerName } from './names.ts'
import { millions } from './numbers.ts'

export interface HeaderFacts {
  readonly model: string
  readonly parameters: number
  readonly setting: TrainingSetting
  readonly adapted: Adapted
  /** The stack or the engine that the figures are for. */
  readonly on: string
}

/** `smollm2-135m · 134.5 M parameters · float32 · AdamW · 1 × 128 tokens · r = 8 on 7 linears × 30 layers · wasm` */
export function headerParts({ model, parameters, setting, adapted, on }: HeaderFacts): string[] {
  return [
    setting.layers === undefined ? model : `${model} cut to ${setting.layers} layers`,
    `${millions(parameters)} parameters`,
    precision(setting),
    optimizerName(setting),
    batchName(setting),
    adapterName(setting, adapted),
    checkpointingName(setting),
    `${setting.attention} attention`,
    sharedName(setting),
    on,
  ].filter((part) => part !== '')
}

/** `8 GPUs full_shard`, `8 GPUs ZeRO 3, optimizer on the host`, `2 GPUs tp_2`, `4 GPUs pp_4 (1f1b)` */
function sharedName({ gpus, fsdp, zero, zero_offload: offload, tp, pp }: TrainingSetting): string {
  if (gpus === undefined) return ''
  if (pp !== undefined) return `${gpus} GPUs pp_${pp} (1f1b)`
  if (tp !== undefined) return `${gpus} GPUs tp_${tp}`
  const host = offload === undefined ? '' : `, ${offload.join(' and ')} on the host`
  return `${gpus} GPUs ${zero === undefined ? (fsdp ?? 'DDP') : `ZeRO ${zero}${host}`}`
}

const precision = ({ dtype, autocast }: TrainingSetting): string =>
  autocast === undefined || autocast === 'none' ? dtype : `${dtype}, autocast ${autocast}`

function adapterName(setting: TrainingSetting, { count, kinds }: Adapted): string {
  if (setting.rank === undefined || count === 0) return ''
  const even = count % kinds === 0 && count > kinds
  const linears = `${kinds} linear${kinds === 1 ? '' : 's'}`
  return `r = ${setting.rank} on ${even ? `${linears} × ${count / kinds} layers` : `${count} linears`}`
}
