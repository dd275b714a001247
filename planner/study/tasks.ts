import type { ModelSpec } from '../../models/spec.ts'
import { Refusal } from '../trace/errors.ts'
import { BLANK, BYTE_VOCAB, encode, MASK } from './bytes.ts'
import { type Corpus, documentsOf, type Split } from './corpus.ts'
import { pick, type Random } from './random.ts'

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
 * - `causal-lm`: the next byte of a window;
 * - `sequence-classification`: which of as many spans of the corpus (of years, of chapters) as the model has labels a window is from;
 *   the spans hold equally many training documents;
 * - `seq2seq-lm`: a window again, of which the encoder saw about a third of the words as masks.
 *
 * @throws Refusal where the corpus is too short, or the model's vocabulary cannot hold bytes
 */
export function samplerOf(model: ModelSpec, corpus: Corpus, split: Split, sizes: Sizes): Sampler {
  refuseNarrowVocabulary(model)
  const documents = documentsOf(corpus, split)
    .map(({ text, place }) => ({ ids: encode(text), place }))
    .filter(({ ids }) => ids.length > sizes.tokens)
  if (documents.length === 0) {
    const message = `has no document of more than ${sizes.tokens} bytes in its ${split} part`
    throw new Refusal('bad-corpus', corpus.name, message, 'Give a longer text, or a smaller --seq-len.')
  }
  const rows = (random: Random) => Array.from({ length: sizes.batch }, () => windowOf(documents, sizes.tokens, random))
  if (model.task === 'causal-lm')
    return (random) => {
      const ids = join(rows(random).map((r) => r.ids))
      return { input_ids: ids, labels: ids }
    }
  if (model.task === 'seq2seq-lm')
    return (random) => {
      const whole = rows(random).map((r) => r.ids)
      return { input_ids: join(whole.map((ids) => hide(ids, random))), labels: join(whole) }
    }
  const spans = spansOf(corpus, 'labels' in model ? model.labels : 2)
  return (random) => {
    const drawn = rows(random)
    const labels = Int32Array.from(drawn, ({ place }) => spans.filter((first) => place >= first).length)
    return { input_ids: join(drawn.map((r) => r.ids)), labels }
  }
}

/** Where each span but the first begins. */
function spansOf(corpus: Corpus, labels: number): number[] {
  const places = documentsOf(corpus, 'training').map((d) => d.place)
  const sorted = places.sort((a, b) => a - b)
  return Array.from({ length: labels - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / labels)] ?? 0)
}

interface Encoded {
  readonly ids: Int32Array
  readonly place: number
}

/** A window from anywhere in a document, longer documents more often. */
function windowOf(documents: readonly Encoded[], tokens: number, random: Random): Encoded {
  const document = pick(documents, (d) => d.ids.length - tokens, random)
  const start = Math.floor(random() * (document.ids.length - tokens))
  return { ids: document.ids.subarray(start, start + tokens), place: document.place }
}

/** The window with some words as masks; blanks stay, so that the length of a word is known. */
function hide(ids: Int32Array, random: Random): Int32Array {
  let hidden = random() < HIDDEN
  return ids.map((id) => {
    if (id !== BLANK) return hidden ? MASK : id
    hidden = random() < HIDDEN
    return id
  })
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

function refuseNarrowVocabulary(model: ModelSpec): void {
  if (!('vocab' in model) || model.vocab >= BYTE_VOCAB) return
  const message = `${model.name} has ${model.vocab} tokens; text is read by bytes, with ${BYTE_VOCAB} (ByT5's vocabulary)`
  throw new Refusal('bad-vocabulary', 'vocab_size', message, `Take a model with at least ${BYTE_VOCAB} tokens.`)
}
