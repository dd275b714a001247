import { ModelError } from '../../models/index.ts'
import { predict } from '../predict/index.ts'
import type { EstimateBody } from '../result/estimate.ts'
import { type Recorded, settingOfRow, stackOfRow } from './recorded.ts'

/** torch/optim/adamw.py makes one number on the way (`lift_fresh`, 4 bytes). */
const CRUMBS = 4

/** The prediction for a recorded step; null for an architecture that the row's stack does not have here. */
export function predictedFor(row: Recorded): EstimateBody | null {
  const stack = stackOfRow(row)
  const { modelTypes } = stack.library
  if (modelTypes && !modelTypes.has(`${row.case.model.model_type}`)) return null
  try {
    const { model, train } = settingOfRow(row.case, stack.name)
    return predict(model, train, stack)
  } catch (e) {
    if (e instanceof ModelError) return null
    throw e
  }
}

/** AdamW's step counters live on the host, and the recorder counts them: 4 bytes a tensor that is stepped. */
export const hostScalars = ({ case: c }: Recorded, body: EstimateBody): number =>
  (c.optimizer ?? 'adamw') === 'adamw' ? 4 * (body.parameters.trainable_tensors - unstepped(c)) : 0

/** foak's norms train and get no gradient: two a layer and the last. */
const unstepped = ({ fused_kernels, method, model }: Recorded['case']): number =>
  fused_kernels && method === 'full' ? 2 * Number(model.num_hidden_layers) + 1 : 0

/** Figures that are off, as `backward peak 4 of 1234` (bytes too many, of the recorded ones). Empty where all are equal to the byte. */
export function differences(row: Recorded, body: EstimateBody): string[] {
  const { static: s } = body
  const base = s.parameters_bytes + s.quantization_bytes + s.buffers_bytes + s.inputs_bytes
  const scalars = hostScalars(row, body)
  const off: string[] = []
  const hold = (name: string, got: number, want: number | undefined, slack = 0) => {
    if (want === undefined || Math.abs(got - want) > slack) off.push(`${name} ${got - (want ?? 0)} of ${want}`)
  }
  hold('static', base, row.base)
  for (const [label, recorded, step] of [
    ['first', row.first_step, body.first_step],
    ['steady', row.step, body.step],
  ] as const) {
    for (const phase of ['forward', 'backward', 'optimizer'] as const) {
      for (const figure of ['peak', 'end'] as const) {
        const host = label === 'steady' || phase === 'optimizer' ? scalars : 0
        const got = step[phase][`${figure}_bytes`] - base + host
        // An optimizer's peak is counted with the scalars that it makes on its way: up to all of them.
        const slack = phase === 'optimizer' && figure === 'peak' ? CRUMBS + scalars : 0
        hold(`${label} ${phase} ${figure}`, got, recorded[`${phase}_${figure}`], slack)
      }
    }
  }
  hold('gradients', body.gradients_bytes, row.step.grads)
  hold('optimizer state', body.optimizer_state_bytes + scalars, row.step.state)
  // foak's rotary embedding keeps its tables as attributes of `ctx`, which no hook on saved tensors sees.
  const compared = (row.case.checkpointing ?? 'none') === 'none' && !row.case.quantize && !row.case.fused_kernels
  if (compared) hold('saved', body.saved_bytes, row.saved_bytes)
  return off
}
