import type { ModelSpec } from '../../models/spec.ts'
import { Refusal } from '../trace/errors.ts'
import { documentsOf, type EncodedCorpus, type EncodedDocument, type Split } from './corpus.ts'
import { pick, type Random } from './random.ts'
import type { Tokenizer } from './tokenizer.ts'

/** One batch as the network takes it, rows one after the other. */
export interface BatchValues {
  readonly input_ids: Int32Array
  readonly labels: Int32Array
}

/** Draws batches of one split. Every row is whole: no padding, so no mask. */
export type Sampler = (random: Random) => BatchValues

interface Sizes {
  readonly batch: number
  readonly tokens: number
}

/** Share of the words that the encoder does not see. */
const HIDDEN = 0.3

/**
 * What a model learns on a corpus, by its task:
 * - `causal-lm`: the next token of a window;
 * - `sequence-classification`: which of as many spans of the corpus (of years, of chapters) as the model has labels a window is from;
 *   the spans hold equally many training documents;
 * - `seq2seq-lm`: a window again, of which the encoder saw about a third of the words as masks.
 *
 * @throws Refusal where the corpus is too short, or model and tokenizer do not go together
 */
export function samplerOf(
  model: ModelSpec,
  corpus: EncodedCorpus,
  split: Split,
  sizes: Sizes,
  tokenizer: Tokenizer,
): Sampler {
  refuseNarrowVocabulary(model, tokenizer)
  const { before, after } = tokenizer.frame
  const inner = sizes.tokens - before.length - after.length
  const documents = documentsOf(corpus, split).filter(({ ids }) => ids.length > inner)
  if (inner < 1 || documents.length === 0) {
    const message = `has no document of more than ${inner} tokens in its ${split} part`
    throw new Refusal('bad-corpus', corpus.name, message, 'Give a longer text, or another --seq-len.')
  }
  const framed = (ids: Int32Array): Int32Array => Int32Array.from([...before, ...ids, ...after])
  const rows = (random: Random) => Array.from({ length: sizes.batch }, () => windowOf(documents, inner, random))
  const joined = (of: readonly EncodedDocument[]) => join(of.map((row) => framed(row.ids)))
  if (model.task === 'causal-lm')
    return (random) => {
      const ids = joined(rows(random))
      return { input_ids: ids, labels: ids }
    }
  if (model.task === 'seq2seq-lm') {
    const mask = maskOf(tokenizer)
    return (random) => {
      const whole = rows(random)
      const hidden = whole.map((row) => framed(hide(row.ids, mask, tokenizer, random)))
      return { input_ids: join(hidden), labels: joined(whole) }
    }
  }
  const spans = spansOf(corpus, 'labels' in model ? model.labels : 2)
  return (random) => {
    const drawn = rows(random)
    const labels = Int32Array.from(drawn, ({ place }) => spans.filter((first) => place >= first).length)
    return { input_ids: joined(drawn), labels }
  }
}

/** Where each span but the first begins. */
function spansOf(corpus: EncodedCorpus, labels: number): number[] {
  const places = documentsOf(corpus, 'training').map((d) => d.place)
  const sorted = places.sort((a, b) => a - b)
  return Array.from({ length: labels - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / labels)] ?? 0)
}

/** A window from anywhere in a document, longer documents more often. */
function windowOf(documents: readonly EncodedDocument[], tokens: number, random: Random): EncodedDocument {
  const document = pick(documents, (d) => d.ids.length - tokens, random)
  const start = Math.floor(random() * (document.ids.length - tokens))
  return { ids: document.ids.subarray(start, start + tokens), place: document.place }
}

/** The window with some words as masks, each as long as it is; blanks stay. */
function hide(ids: Int32Array, mask: number, tokenizer: Tokenizer, random: Random): Int32Array {
  let hidden = random() < HIDDEN
  return ids.map((id) => {
    const place = tokenizer.placeOf(id)
    if (place !== 'inside') hidden = random() < HIDDEN
    return hidden && place !== 'blank' ? mask : id
  })
}

function maskOf({ mask, name }: Tokenizer): number {
  if (mask !== null) return mask
  const message = `${name} has no token that could stand for what is hidden`
  throw new Refusal('bad-vocabulary', '--tokenizer', message, 'Take one with a mask, a sentinel or an unknown token.')
}

function join(rows: readonly Int32Array[]): Int32Array {
  const [first] = rows
  const joined = new Int32Array(rows.length * (first?.length ?? 0))
  let at = 0
  for (const row of rows) {
    joined.set(row, at)
    at += row.length
  }
  return joined
}

function refuseNarrowVocabulary(model: ModelSpec, { name, size }: Tokenizer): void {
  if (!('vocab' in model) || model.vocab >= size) return
  const message = `${model.name} has ${model.vocab} tokens; ${name} has ${size}`
  throw new Refusal(
    'bad-vocabulary',
    'vocab_size',
    message,
    `Take a model with at least ${size} tokens, or its own tokenizer.`,
  )
}
