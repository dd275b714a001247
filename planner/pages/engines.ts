import type { TrainingSetting } from '../result/common.ts'
import { gigabytes, grouped, table } from './markdown.ts'

/** A step of true size as `npm run record:engines` keeps it. */
export interface EngineRow {
  readonly id: string
  readonly command: string
  readonly model: string
  /** The first so many, where it was cut. */
  readonly layers: number | null
  readonly engine: string
  readonly stack: string
  readonly training: TrainingSetting
  readonly parameters: { readonly total: number; readonly trainable: number }
  readonly scratch: string
  readonly seconds_per_step: readonly number[]
  readonly tiers: readonly (readonly [tier: string, witness: string | null, phase: string, measured: number])[]
}

/** A measured figure of a row; of one witness where several counted. */
export function figure(row: EngineRow, tier: string, phase: string, witness: string | null = null): number {
  const found = row.tiers.find(([t, w, p]) => t === tier && w === witness && p === phase)
  if (!found) throw new Error(`${row.id} has no ${tier} at ${phase}`)
  return found[3]
}

const PEAKS = ['forward peak', 'backward peak', 'optimizer peak']

/** The steady step's highest peak of live bytes. */
export const peakOfRow = (row: EngineRow): number => Math.max(...PEAKS.map((phase) => figure(row, 'live', phase)))

/** A whole model's figure from those of one layer and of two. */
export const fromTwoCuts = (one: number, two: number, layers: number): number => one + (layers - 1) * (two - one)

/** One layer and two of a model under a method. */
export function cutsOf(rows: readonly EngineRow[], model: string, method: string): readonly [EngineRow, EngineRow] {
  const [one, two] = [1, 2].map((n) =>
    rows.find((r) => r.model === model && r.layers === n && r.training.method === method),
  )
  if (!one || !two) throw new Error(`${model} ${method} was not recorded with one layer and with two`)
  return [one, two]
}

const LLAMA_LAYERS = 32

/** What was recorded, and what follows of LLaMA-2-7B: the computed part of docs/engines.md. */
export function trueScale(rows: readonly EngineRow[]): string {
  const recorded = rows.map((r) => [
    r.layers === null ? r.model : `${r.model}, ${r.layers === 1 ? 'one layer' : `${r.layers} layers`}`,
    r.training.method,
    `${r.training.batch_size} × ${r.training.seq_len}`,
    grouped(r.parameters.total),
    grouped(figure(r, 'saved', 'forward end')),
    grouped(peakOfRow(r)),
    r.seconds_per_step.at(-1)!.toFixed(1),
  ])
  const totals = ['lora', 'lora-fa'].map((method) => {
    const [one, two] = cutsOf(rows, 'llama-2-7b', method)
    const saved = [one, two].map((r) => figure(r, 'saved', 'forward end')) as [number, number]
    const peaks = [one, two].map(peakOfRow) as [number, number]
    const total = (cuts: [number, number]) => fromTwoCuts(...cuts, LLAMA_LAYERS)
    return [method, grouped(total(saved)), grouped(total(peaks)), gigabytes(total(peaks))]
  })
  const head = ['model', 'method', 'tokens', 'parameters', 'saved, bytes', 'peak, bytes', 'seconds a step']
  return `${table(head, recorded, [2, 3, 4, 5, 6])}

LLaMA-2-7B from its two cuts, f(1) + 31 · (f(2) − f(1)):

${table(['method', 'saved, bytes', 'peak, bytes', ''], totals, [1, 2, 3])}`
}

const [BEGIN, END] = ['<!-- computed: npm run pages -->', '<!-- end -->']

/** The page with its computed part written anew. Throws where it has no place for it. */
export function enginesPage(page: string, rows: readonly EngineRow[]): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`docs/engines.md has no ${BEGIN} … ${END}`)
  return `${page.slice(0, from + BEGIN.length)}\n\n${trueScale(rows)}\n\n${page.slice(to)}`
}
