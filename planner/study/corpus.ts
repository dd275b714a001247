import { plainText, type Tokenizer } from './tokenizer.ts'

/** One text of a corpus: a chapter, an address. */
export interface Document {
  readonly text: string
  /** Where it stands among the others: the year of an address, the chapter of a book, the block of a plain text. */
  readonly place: number
}

export interface Corpus {
  readonly name: string
  readonly documents: readonly Document[]
}

export const SPLITS = ['training', 'validation', 'test'] as const
export type Split = (typeof SPLITS)[number]

/** Of ten documents in a row eight train, one validates, one tests: fixed by the order of the corpus, the same for every seed and method. */
const PERIOD = 10

/** A document as tokens. */
export interface EncodedDocument {
  readonly ids: Int32Array
  readonly place: number
}

export interface EncodedCorpus {
  readonly name: string
  readonly documents: readonly EncodedDocument[]
}

/** @param onDocument after each document: a large text takes its time */
export function encodeCorpus(
  { name, documents }: Corpus,
  tokenizer: Tokenizer,
  onDocument: () => void = () => undefined,
): EncodedCorpus {
  const encoded = documents.map(({ text, place }) => {
    const ids = tokenizer.encode(plainText(text))
    onDocument()
    return { ids, place }
  })
  return { name, documents: encoded }
}

/** The part of a corpus that a split may see. */
export const documentsOf = (corpus: EncodedCorpus, split: Split): EncodedDocument[] =>
  corpus.documents.filter((_, i) => splitAt(i) === split)

const splitAt = (i: number): Split => {
  const place = i % PERIOD
  if (place === PERIOD - 2) return 'validation'
  return place === PERIOD - 1 ? 'test' : 'training'
}

/** Bytes a document of a plain text has, at the least. */
const BLOCK = 4096

/** A person's own text as documents of some kilobytes, cut between paragraphs or, where there are none, lines. */
export function corpusFromText(name: string, text: string): Corpus {
  const documents: Document[] = []
  let block = ''
  for (const line of text.replaceAll('\r\n', '\n').split(/(?<=\n)/)) {
    block += line
    if (block.length < BLOCK || line.trim() !== '') continue
    documents.push({ text: block, place: documents.length })
    block = ''
  }
  if (block !== '') documents.push({ text: block, place: documents.length })
  // without blank lines there is one document: it is cut by length
  const fine = documents.length < PERIOD ? cut(documents.map((d) => d.text).join('')) : documents
  return { name, documents: fine }
}

function cut(text: string): Document[] {
  const length = Math.max(1, Math.min(BLOCK, Math.ceil(text.length / PERIOD)))
  const pieces: Document[] = []
  for (let at = 0; at < text.length; at += length) pieces.push({ text: text.slice(at, at + length), place: at })
  return pieces
}
