import type { StudyResult, StudyRow, Verdict } from '../../planner/result/study.ts'
import { formatBytes } from '../../planner/trace/bytes.ts'
import { changeWords, digits, listWords, methodName } from '../words.ts'
import { loss, percent, verdictWords } from './verdict.ts'

export interface StudyAnswer {
  readonly lead: string
  readonly more: readonly string[]
}

type Body = StudyResult['result']

/** Whether LoRA-FA learns as LoRA does, in a sentence, and what it cost. */
export function studyAnswer(body: Body): StudyAnswer {
  if (body.summary.length === 0) return { lead: 'No training has ended yet.', more: [] }
  const nothing = nothingLearned(body)
  const plain = body.verdicts.filter((v) => v.method === 'lora-fa')
  const others = [...new Set(body.verdicts.map((v) => v.method))].filter((m) => m !== 'lora-fa')
  return {
    lead: nothing ?? leadOf(body, plain),
    more: [
      ...(nothing === null ? [] : [leadOf(body, plain)]),
      ...others.map((m) => claimOf(body.verdicts.filter((v) => v.method === m))),
      ...costWords(body.summary),
      ...accuracyWords(body),
    ],
  }
}

/** A spread between methods of which none has learned says nothing of either. */
function nothingLearned({ summary, data, base }: Body): string | null {
  const { majority } = data
  if (majority !== null) {
    const told = (r: StudyRow) => (r.validation_accuracy ?? 0) - (r.validation_accuracy_spread ?? 0)
    if (summary.some((r) => told(r) > majority.validation)) return null
    return `No method tells more than the commonest class (${percent(majority.validation)}): this study says nothing of LoRA-FA.`
  }
  if (summary.some((r) => r.validation_loss + (r.validation_spread ?? 0) < base.validation.loss)) return null
  return `No method improves on the base's validation loss (${loss(base.validation.loss)}): this study says nothing of LoRA-FA.`
}

function leadOf({ summary }: Body, verdicts: readonly Verdict[]): string {
  const [first, ...more] = verdicts
  if (first !== undefined) return more.length === 0 ? oneLead(summary, first) : claimOf(verdicts)
  const best = summary.reduce((a, b) => (b.validation_loss < a.validation_loss ? b : a))
  return `The lowest validation loss is ${loss(best.validation_loss)}; LoRA and LoRA-FA were not both studied.`
}

/** One method's verdicts at all its ranks. */
function claimOf(verdicts: readonly Verdict[]): string {
  const [first, ...more] = verdicts
  if (first === undefined) return ''
  if (more.length === 0) return `${verdictWords(first)}.`
  const name = methodName(first.method)
  const judged = verdicts.filter((v) => v.verdict !== null)
  const worse = judged.filter((v) => v.verdict === 'worse')
  if (judged.length === 0) return `${name} beside LoRA at ${verdicts.length} ranks, one seed: no spread to judge it by.`
  if (worse.length === 0)
    return `At each of ${judged.length} ranks ${name} is within the seed spread of LoRA, or better.`
  if (worse.length === judged.length)
    return `At none of ${judged.length} ranks is ${name} within the seed spread of LoRA.`
  const ranks = `rank${worse.length === 1 ? '' : 's'} ${listWords(worse.map((v) => String(v.rank)))}`
  return `${name} is within the seed spread of LoRA, or better, at ${judged.length - worse.length} of ${judged.length} ranks; it is NOT at ${ranks}.`
}

const CLAIMS = {
  within: ['LoRA-FA learns as LoRA does', 'within the seed spread'],
  better: ['LoRA-FA learns better than LoRA here', 'outside the seed spread'],
  worse: ['LoRA-FA does not learn as well as LoRA here', 'outside the seed spread'],
} as const

function oneLead(summary: readonly StudyRow[], v: Verdict): string {
  const [own, lora] = pair(summary, v)
  const losses = `validation loss ${loss(own.validation_loss)} against ${loss(lora.validation_loss)}`
  if (v.verdict === null) return `LoRA-FA beside LoRA: ${losses}, one seed: no spread to judge it by.`
  const [claim, place] = CLAIMS[v.verdict]
  return `${claim}: ${losses}, ${place}, with a peak of ${formatBytes(own.peak_bytes)} against ${formatBytes(lora.peak_bytes)}.`
}

function pair(summary: readonly StudyRow[], { method, rank }: Verdict): [own: StudyRow, lora: StudyRow] {
  const of = (name: string) => summary.find((r) => r.method === name && r.rank === rank)!
  // a verdict is made of these two rows
  return [of(method), of('lora')]
}

/** LoRA-FA's measured peak and trained parameters against LoRA's, at the largest rank of both. */
function costWords(summary: readonly StudyRow[]): string[] {
  const own = summary.filter((r) => r.method === 'lora-fa').at(-1)
  const lora = summary.find((r) => r.method === 'lora' && r.rank === own?.rank)
  if (own === undefined || lora === undefined) return []
  const beside = (of: (r: StudyRow) => number, words: (n: number) => string) =>
    `${words(of(own))} against ${words(of(lora))} (${changeWords(of(lora), of(own))})`
  const peak = beside((r) => r.peak_bytes, formatBytes)
  const trains = beside((r) => r.trainable, digits)
  return [
    `At rank ${own.rank} LoRA-FA’s measured peak is ${peak}; it trains ${trains} parameters, at the rate ${own.learning_rate} where LoRA’s is ${lora.learning_rate}.`,
  ]
}

function accuracyWords({ summary, data: { majority } }: Body): string[] {
  if (majority === null) return []
  const best = summary.reduce<StudyRow | null>((a, b) => ((b.accuracy ?? 0) > (a?.accuracy ?? 0) ? b : a), null)
  if (best?.accuracy == null) return []
  return [
    `The best test accuracy is ${percent(best.accuracy)}; to name the commonest class always gives ${percent(majority.test)}.`,
  ]
}
