/** What a token is among words: a blank between two, the beginning of one, or a further part. */
export type TokenPlace = 'blank' | 'beginning' | 'inside'

/** Text as a model reads it. */
export interface Tokenizer {
  /** For people. */
  readonly name: string
  /** Ids that a model must have. */
  readonly size: number
  /** Stands for what is hidden; null where the tokenizer has no such token. */
  readonly mask: number | null
  /** What stands around each window: a beginning of sentence, a class token, an end. */
  readonly frame: { readonly before: readonly number[]; readonly after: readonly number[] }
  /** Token ids of a text, without the frame. */
  encode(text: string): Int32Array
  placeOf(id: number): TokenPlace
}

/** White space in a row counts as one blank, as the corpora wrap their lines differently. */
export const plainText = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** ByT5's vocabulary (transformers/models/byt5/tokenization_byt5.py): three special tokens, of which the last is unknown, then a token a byte. */
const MASK = 2
const FIRST_BYTE = 3
const BLANK = FIRST_BYTE + 32

const encoder = new TextEncoder()

/** A token a byte of UTF-8. */
export const BYTES: Tokenizer = {
  name: "bytes, with ByT5's ids",
  size: FIRST_BYTE + 256,
  mask: MASK,
  frame: { before: [], after: [] },
  encode: (text) => Int32Array.from(encoder.encode(text), (byte) => byte + FIRST_BYTE),
  placeOf: (id) => (id === BLANK ? 'blank' : 'inside'),
}
