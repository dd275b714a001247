import type { PlanResult } from '../../planner/result/plan.ts'

const COLUMNS = [
  'model',
  'stack',
  'gpu',
  'table',
  'number',
  'method',
  'change',
  'bytes',
  'time',
  'trainable',
  'fits',
] as const
type Row = Partial<Record<(typeof COLUMNS)[number], string | number>>

/** The setting that was asked for, each that fits with a row a change, and how far each size goes. */
export function planRows({ input, result }: PlanResult): { columns: readonly string[]; rows: readonly Row[] } {
  const shared = { model: input.model.name, stack: input.stack, gpu: result.gpu.name }
  const options = [result.asked, ...(result.search?.options ?? [])].flatMap((option, number): Row[] => [
    {
      ...shared,
      table: number === 0 ? 'asked' : 'option',
      ...(number === 0 ? {} : { number }),
      method: option.training.method,
      bytes: option.peak.allocated_bytes,
      time: option.relative_time,
      trainable: option.parameters.trainable,
      fits: String(option.fits),
    },
    ...option.steps.map(
      (s): Row => ({
        ...shared,
        table: 'change',
        number,
        change: `${s.lever} ${s.from} → ${s.to}`,
        bytes: s.bytes,
        time: s.time,
      }),
    ),
  ])
  const maxima = result.maxima.map(
    (m): Row => ({
      ...shared,
      table: 'maximum',
      change: m.knob,
      ...(m.value === null ? {} : { number: m.value }),
    }),
  )
  return { columns: COLUMNS, rows: [...options, ...maxima] }
}
