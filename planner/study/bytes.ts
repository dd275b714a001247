/** ByT5's vocabulary (transformers/models/byt5/tokenization_byt5.py): three special tokens, then a token a byte. */
export const PAD = 0
export const MASK = 2
const FIRST_BYTE = 3
/** Ids that a model must have to read text by bytes. */
export const BYTE_VOCAB = FIRST_BYTE + 256

const encoder = new TextEncoder()

/** Token ids of a text: its UTF-8 bytes. White space in a row counts as one blank, as the corpora wrap their lines differently. */
export function encode(text: string): Int32Array {
  return Int32Array.from(encoder.encode(text.replace(/\s+/g, ' ').trim()), (byte) => byte + FIRST_BYTE)
}

export const BLANK = FIRST_BYTE + 32
