import type { TrainingSetting } from '../planner/result/common.ts'
import { type ByteUnit, formatBytes, parseBytes } from '../planner/trace/bytes.ts'

const METHODS: Readonly<Record<string, string>> = {
  lora: 'LoRA',
  'lora-fa': 'LoRA-FA',
  qlora: 'QLoRA',
  'qlora-fa': 'QLoRA-FA',
  dora: 'DoRA',
  'lora-fa-corrected': 'LoRA-FA corrected',
  'frozen-b': 'frozen B',
}

/** A method as its paper writes it; unknown ones as they are. */
export const methodName = (method: string): string => (Object.hasOwn(METHODS, method) ? METHODS[method]! : method)

/** `torch-2.13+transformers-5.23` → `torch 2.13 · transformers 5.23`. */
export const stackWords = (stack: string): string =>
  stack
    .split('+')
    .map((part) => part.replace(/-(?=\d)/, ' '))
    .join(' · ')

/** `bfloat16 · 1 × 1024 tokens · r 16, all linears`: what a reader compares settings by. */
export function settingWords(t: TrainingSetting): string {
  const parts = [t.dtype, `${t.batch_size} × ${t.seq_len} tokens`]
  if (t.target_seq_len !== undefined) parts[1] = `${t.batch_size} × ${t.seq_len} → ${t.target_seq_len} tokens`
  if (t.autocast !== undefined && t.autocast !== 'none') parts.push(`autocast ${t.autocast}`)
  if (t.rank !== undefined)
    parts.push(t.target_modules ? `r ${t.rank}, ${targetWords(t.target_modules)}` : `r ${t.rank}`)
  parts.push(`${t.attention} attention`, optimizerWords(t))
  if (t.quantize !== undefined && t.quantize !== 'none') parts.push(t.quantize)
  if (t.gradient_checkpointing !== 'none') parts.push(checkpointingWords(t))
  if (t.gradient_accumulation > 1) parts.push(`${t.gradient_accumulation} micro-steps`)
  if (t.layers !== undefined) parts.push(`cut to the first ${t.layers} layers`)
  return parts.join(' · ')
}

const targetWords = (targets: readonly string[]): string =>
  targets.length === 1 && targets[0] === 'all-linear' ? 'all linears' : targets.join(', ')

const optimizerWords = (t: TrainingSetting): string =>
  t.optimizer_impl === undefined ? t.optimizer : `${t.optimizer} (${t.optimizer_impl})`

/** `checkpointing non-reentrant, one layer in 2, keeps products` */
export function checkpointingWords({
  gradient_checkpointing,
  checkpoint_every,
  checkpoint_keep,
}: TrainingSetting): string {
  const parts = [`checkpointing ${gradient_checkpointing}`]
  if (checkpoint_every !== undefined && checkpoint_every > 1) parts.push(`one layer in ${checkpoint_every}`)
  if (checkpoint_keep !== undefined && checkpoint_keep !== 'none') parts.push(`keeps ${checkpoint_keep}`)
  return parts.join(', ')
}

/** An instant for a chart: `backward · log_softmax`. */
export function instantWords(phase: string, op: string): string {
  if (op === 'start') return `start of ${phase}`
  return `${phase} · ${opWords(phase, op)}`
}

/** An operation within a phase: a backward node's name ends in the word that the phase already says. */
export const opWords = (phase: string, op: string): string => (phase === 'backward' ? op.replace(/ backward$/, '') : op)

/** An instant for a table, with the module. */
export const placeWords = (phase: string, scope: string, op: string): string =>
  scope === '' || op === 'start' ? instantWords(phase, op) : `${instantWords(phase, op)} in ${scope}`

const GROUP = '\u202f'

/** An integer with its digits in threes, parted by a narrow space that does not break. */
export function digits(n: number, space: string = GROUP): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, space)
}

/** `−21 %`, with a true minus. A change too small to show as a percent says so. */
export function changeWords(before: number, after: number): string {
  if (before === 0) return after === 0 ? '±0\u00a0%' : 'new'
  const percent = (100 * (after - before)) / before
  const shown = Math.abs(percent) < 10 ? percent.toFixed(1) : percent.toFixed(0)
  if (after === before) return '±0\u00a0%'
  return percent < 0 ? `${shown.replace('-', '−')}\u00a0%` : `+${shown}\u00a0%`
}

/** A difference in bytes with its sign: `−4.48 GiB`. */
export const signedBytes = (bytes: number, unit?: ByteUnit): string =>
  bytes === 0 ? '0 B' : `${bytes < 0 ? '−' : '+'}${formatBytes(Math.abs(bytes), unit)}`

const UNITS: readonly ByteUnit[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** The unit that suits a chart or column by its largest figure: the next smaller one while that figure is below four. */
export function unitFor(bytes: number): { unit: ByteUnit; size: number } {
  const i = Math.max(
    0,
    UNITS.findLastIndex((_, k) => Math.abs(bytes) >= (k === 0 ? 1 : 4) * 2 ** (10 * k)),
  )
  return { unit: UNITS[i]!, size: 2 ** (10 * i) }
}

/** Bytes in a column's unit, where that leaves something to see; smaller figures in their own. */
export function columnBytes(bytes: number, unit: ByteUnit): string {
  if (bytes === 0) return '0'
  const text = formatBytes(bytes, unit)
  return /^-?0\.0/.test(text) ? formatBytes(bytes) : text
}

/** Cut to so many characters, with an ellipsis in place of the rest. */
export const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, Math.max(1, length - 1))}…`

/** `a, b and c`. */
export const listWords = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`

/** A figure and its unit stay on one line, and a dot between words does not begin one. */
export const unbroken = (text: string): string =>
  text.replace(/(\d) (?=(?:[KMGT]i)?B\b)/g, '$1\u00a0').replaceAll(' · ', '\u00a0· ')

/** Characters that show nothing but change what is shown: controls, line separators, marks that reorder text. */
const UNSEEN = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** Text with a replacement character where something unseen stood; line breaks and tabs stay. */
export const seen = (text: string): string => text.replace(UNSEEN, (c) => (c === '\n' || c === '\t' ? c : '\ufffd'))

/** JSON with those characters escaped, which changes none of its values. */
export const seenJson = (json: string): string =>
  json.replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Whether what a GPU is called is only a size, `8GiB`, as a person may give it. */
export const isSize = (gpu: string): boolean => parseBytes(gpu) !== undefined
