import type { StudyResult, StudyRow } from '../../planner/result/study.ts'
import { methodName, stackWords } from '../words.ts'
import { type CurvesView, curvesOf } from './curves.ts'
import { type QualityPoint, qualityPoints } from './quality.ts'
import { type StudyAnswer, studyAnswer } from './study-answer.ts'
import { type SweepGrid, sweepOf } from './sweep.ts'
import { percent } from './verdict.ts'

/** The curves of one rank's methods; full training, which has no rank, is among them all. */
export interface RankCurves {
  /** Null where only full training was studied. */
  readonly rank: number | null
  readonly loss: CurvesView
  /** Of a classifier. */
  readonly accuracy: CurvesView | null
}

/** What a study's report says. Everything is measured but the predicted peaks. */
export interface StudyView {
  readonly id: string
  readonly title: string
  readonly model: string
  readonly setting: string
  readonly stack: string
  readonly answer: StudyAnswer
  /** At its best learning rate, each method and rank. */
  readonly rows: readonly StudyRow[]
  readonly points: readonly QualityPoint[]
  /** The rank at which LoRA does best first. */
  readonly curves: readonly RankCurves[]
  readonly sweep: readonly SweepGrid[]
  readonly body: StudyResult['result']
  readonly assumptions: StudyResult['input']['assumptions']
  readonly command: string
  readonly tool: string
  readonly warnings: readonly string[]
}

const TASKS: Readonly<Record<string, string>> = {
  'causal-lm': 'predicts the next token',
  'sequence-classification': 'tells when a window was written',
  'seq2seq-lm': 'restores masked words',
}

/** @param index of the result among those of one page */
export function studyView(result: StudyResult, index = 0): StudyView {
  const { input, result: body } = result
  const seeds = Math.max(0, ...body.rows.map((r) => r.seeds))
  const { batch_size: batch, seq_len: tokens } = input.training
  return {
    id: index === 0 ? '' : `r${index}-`,
    title: `${input.model.name}: does LoRA-FA still learn?`,
    model: input.model.name,
    setting: [
      TASKS[body.task] ?? body.task,
      body.data.corpus,
      body.data.tokenizer,
      `${batch} × ${tokens} tokens`,
      `${body.steps} steps`,
      `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`,
    ].join(' · '),
    stack: stackWords(body.stack),
    answer: studyAnswer(body),
    rows: body.summary,
    points: qualityPoints(body.summary),
    curves: rankCurves(body),
    sweep: sweepOf(body.rows, body.diverged),
    body,
    assumptions: input.assumptions,
    command: result.command,
    tool: `${result.tool.name} ${result.tool.version}`,
    warnings: [...result.warnings, ...divergedWords(body.diverged)],
  }
}

function rankCurves({ summary, runs, data }: StudyResult['result']): RankCurves[] {
  if (summary.length === 0) return []
  const lora = summary.filter((r) => r.method === 'lora')
  const ranked = lora.length > 0 ? lora : summary.filter((r) => r.rank !== null)
  const order = [...ranked].sort((a, b) => a.validation_loss - b.validation_loss).map((r) => r.rank)
  const ranks = [...new Set([...order, ...summary.flatMap((r) => r.rank ?? [])])]
  return (ranks.length === 0 ? [null] : ranks).map((rank) => {
    const rows = summary.filter((r) => r.rank === rank || r.rank === null)
    const floor = data.majority && {
      at: data.majority.validation,
      label: `the commonest class ${percent(data.majority.validation)}`,
    }
    return {
      rank,
      loss: curvesOf(rows, runs, 'loss'),
      accuracy: floor === null ? null : curvesOf(rows, runs, 'accuracy', floor),
    }
  })
}

const divergedWords = (diverged: StudyResult['result']['diverged']): string[] =>
  diverged.map(
    (d) =>
      `${methodName(d.method)}${d.rank === null ? '' : ` r${d.rank}`} at ${d.learning_rate}, seed ${d.seed}: the loss was no number at step ${d.diverged_at}`,
  )
