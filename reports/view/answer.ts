import { formatBytes } from '../../planner/trace/bytes.ts'
import { changeWords, isSize, listWords } from '../words.ts'
import type { MethodView } from './method.ts'
import type { ProofView } from './proof.ts'
import { rankSentences } from './ranks.ts'

/** The first thing a reader sees: what it comes to, then what stands behind it. */
export interface Answer {
  readonly lead: string
  readonly more: readonly string[]
}

/** The method that the report is about: LoRA-FA if it is there, else the one with the lowest peak. */
export function focusOf(methods: readonly MethodView[]): MethodView {
  const lowest = methods.reduce((best, m) => (m.peak.bytes < best.peak.bytes ? m : best))
  return methods.find((m) => m.name === 'LoRA-FA') ?? lowest
}

export function answerOf(methods: readonly MethodView[], proofs: readonly ProofView[]): Answer {
  const focus = focusOf(methods)
  const others = methods.filter((m) => m !== focus)
  const [lead, ...more] = [
    ...fitSentences(focus, others),
    peakSentence(focus, others),
    ...rankSentences(methods),
    ...proofSentences(proofs),
  ]
  return { lead: lead!, more }
}

/** Whether the methods fit, by the tier that the verdict rests on: the process where it is modelled, else live tensors alone. */
function fitSentences(focus: MethodView, others: readonly MethodView[]): string[] {
  if (focus.fit === null) return []
  const { gpu, capacity_bytes } = focus.fit
  const liveOnly = focus.tiers.process === null
  const margins = [focus, ...[...others].reverse()].flatMap((m) =>
    m.fit === null ? [] : [{ name: m.name, bytes: m.fit.margin_bytes }],
  )
  const fitting = margins
    .filter((m) => m.bytes >= 0)
    .map((m, i) => `${m.name} ${i === 0 ? 'fits ' : ''}with ${formatBytes(m.bytes)}${i === 0 ? ' to spare' : ''}`)
  const short = margins
    .filter((m) => m.bytes < 0)
    .map((m, i) => `${m.name} ${i === 0 ? 'is ' : ''}${formatBytes(-m.bytes)}${i === 0 ? ' short' : ''}`)
  const words = [fitting, short].filter((list) => list.length > 0).map(listWords)
  const verdict = `${isSize(gpu) ? 'In' : `On ${gpu},`} ${formatBytes(capacity_bytes)}${liveOnly ? ', counting live tensors,' : ', counting allocator and context,'} ${words.join('; ')}.`
  return liveOnly
    ? [verdict, 'What the allocator and the driver add is not modelled, and not in this verdict.']
    : [verdict]
}

function peakSentence(focus: MethodView, others: readonly MethodView[]): string {
  const start = `${focus.name} peaks at ${formatBytes(focus.peak.bytes)} of live tensors`
  const at = `; the peak is at ${focus.peak.place}.`
  if (others.length === 0) return `${start}${at}`
  const against = [...others].reverse().map((m) => {
    const change = changeWords(m.peak.bytes, focus.peak.bytes)
    const than = `${m.name} (${formatBytes(m.peak.bytes)})`
    if (m.peak.bytes === focus.peak.bytes) return `the same as ${than}`
    return `${change.slice(1)} ${change.startsWith('−') ? 'below' : 'above'} ${than}`
  })
  return `${start}: ${listWords(against)}${at}`
}

function proofSentences(proofs: readonly ProofView[]): string[] {
  if (proofs.length === 0) return []
  const compared = proofs.reduce((n, p) => n + p.compared, 0)
  const equal = proofs.reduce((n, p) => n + p.equal, 0)
  const engines = listWords([...new Set(proofs.map((p) => p.engine))])
  const unsound = proofs.filter((p) => !p.sound).map((p) => p.method.name)
  const figures = `Executed on ${engines}: ${equal} of ${compared} figures measured equal to the run’s own prediction, to the byte.`
  if (unsound.length === 0) return [figures]
  return [figures, `The step of ${listWords(unsound)} did not pass its checks, so its figures prove nothing.`]
}
