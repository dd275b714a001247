import type { PlanOption, PlanResult, PlanStep } from '../../planner/result/plan.ts'
import { formatBytes } from '../../planner/trace/bytes.ts'
import { isSize, methodName, settingWords, stackWords } from '../words.ts'
import type { Answer } from './answer.ts'
import type { QualityPoint } from './quality.ts'

/** What a plan's report says: bytes simulated, times by a formula. */
export interface PlanView {
  readonly id: string
  readonly title: string
  readonly model: string
  readonly setting: string
  readonly stack: string
  readonly answer: Answer
  readonly body: PlanResult['result']
  readonly options: readonly OptionView[]
  /** Each setting shown by what it needs and how long it takes. */
  readonly points: readonly QualityPoint[]
  readonly assumptions: PlanResult['input']['assumptions']
  readonly command: string
  readonly tool: string
  readonly warnings: readonly string[]
}

/** A setting that fits, with the number that `--pick` takes. */
export interface OptionView {
  readonly number: number
  readonly method: string
  readonly bytes: number
  readonly time: number
  readonly trains: number
  /** What each change does; empty for the setting as it was asked for. */
  readonly steps: readonly { readonly change: string; readonly bytes: number; readonly time: string }[]
  /** For `--config`. */
  readonly json: string
}

/** @param index of the result among those of one page */
export function planView(result: PlanResult, index = 0): PlanView {
  const { input, result: body } = result
  const options = (body.search?.options ?? []).map(optionView)
  return {
    id: index === 0 ? '' : `r${index}-`,
    title: `${input.model.name}: what fits ${body.gpu.name}`,
    model: input.model.name,
    setting: `${methodName(input.training.method)} · ${settingWords(input.training)}`,
    stack: stackWords(input.stack),
    answer: answerOf(result, options),
    body,
    options,
    points: pointsOf(options),
    assumptions: input.assumptions,
    command: result.command,
    tool: `${result.tool.name} ${result.tool.version}`,
    warnings: result.warnings,
  }
}

function optionView({ training, peak, relative_time: time, parameters, steps }: PlanOption, i: number): OptionView {
  return {
    number: i + 1,
    method: training.method,
    bytes: peak.allocated_bytes,
    time,
    trains: parameters.trainable,
    steps: steps.map((step) => ({ change: changeOf(step), bytes: step.bytes, time: pace(step.time) })),
    json: JSON.stringify(training, null, 2),
  }
}

const changeOf = ({ lever, from, to }: PlanStep): string =>
  `${lever} ${from} → ${to}`.replaceAll(' × ', '\u00a0×\u00a0')

function pace(time: number): string {
  const percent = Math.round(100 * (time - 1))
  return percent === 0 ? '' : `${percent < 0 ? '−' : '+'}${Math.abs(percent)}\u00a0% time`
}

function answerOf(
  { input, result: { gpu, asked, maxima, search } }: PlanResult,
  options: readonly OptionView[],
): Answer {
  const where = isSize(gpu.name) ? formatBytes(gpu.capacity_bytes) : gpu.name
  const needs = `${formatBytes(asked.peak.allocated_bytes)} allocated at the peak, ${formatBytes(gpu.room_bytes)} are left for tensors`
  const [first] = options
  const more = [
    first === undefined || first.steps.length === 0
      ? ''
      : `The fewest changes that fit: ${first.steps.map((s) => s.change).join(', ')}, ${formatBytes(first.bytes)}.`,
    search !== null && options.length === 0 ? 'Nothing that was searched fits.' : '',
    ...maxima.map(({ knob, value, because }) =>
      value === null
        ? `No ${knob} fits, all else as it is.`
        : `All else as it is, the largest ${knob} is ${value} (${because}).`,
    ),
  ]
  const lead = `${methodName(input.training.method)} ${asked.fits ? 'fits' : 'does not fit'} ${where}: ${needs}.`
  return { lead, more: more.filter((sentence) => sentence !== '') }
}

const pointsOf = (options: readonly OptionView[]): QualityPoint[] =>
  options.map((o, i) => ({
    method: o.method,
    rank: null,
    name: `${o.number} ${methodName(o.method)}`,
    short: String(o.number),
    first: options.findIndex((other) => other.method === o.method) === i,
    bytes: o.bytes,
    loss: o.time,
    spread: null,
  }))
