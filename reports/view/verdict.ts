import type { Verdict } from '../../planner/result/study.ts'
import { methodName } from '../words.ts'

/** A verdict as a sentence, for the terminal and for a page alike. */
export function verdictWords({ method, rank, difference, spread, verdict }: Verdict): string {
  const name = `${methodName(method)}${rank === null ? '' : ` at rank ${rank}`}`
  if (spread === null || verdict === null)
    return `${name}: ${signedLoss(difference)} against LoRA, one seed: no spread to judge it by`
  const place = { within: 'within', better: 'better than', worse: 'NOT within' }[verdict]
  return `${name} is ${place} the seed spread of LoRA: ${signedLoss(difference)} ± ${loss(spread)}`
}

/** Losses are told apart in their third and fourth place. */
export const loss = (value: number): string => value.toFixed(4)

export const signedLoss = (value: number): string => `${value < 0 ? '−' : '+'}${loss(Math.abs(value))}`

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
