import { MERGES } from './moby-dick.ts'

const SPECIAL = ['<pad>', '</s>', '<mask>'] as const

/** A character a byte, as GPT-2 writes bytes (transformers/models/gpt2/tokenization_gpt2.py, bytes_to_unicode): those that can be seen are themselves. */
function byteCharacters(): string[] {
  const seen = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let unseen = 0
  const codes = Array.from({ length: 256 }, (_, byte) => (seen(byte) ? byte : 256 + unseen++))
  return codes.sort((a, b) => a - b).map((code) => String.fromCodePoint(code))
}

/** The study's own tokenizer as a `tokenizer.json`: special tokens, bytes, then the pairs of Moby-Dick. */
export function bytePairsJson() {
  const merges = MERGES.split('\n')
  const tokens = [...SPECIAL, ...byteCharacters(), ...merges.map((pair) => pair.replace(' ', ''))]
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  return {
    version: '1.0',
    added_tokens: SPECIAL.map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: null,
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
  }
}
