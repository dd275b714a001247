import { Tokenizer as Loaded } from '@huggingface/tokenizers'
import type { Tokenizer, TokenPlace } from '../../../planner/study/tokenizer.ts'

/** The parts of a `tokenizer.json` that say how a text may be cut. */
export interface TokenizerJson {
  readonly model?: { readonly type?: unknown }
  readonly pre_tokenizer?: {
    readonly type?: unknown
    readonly add_prefix_space?: unknown
    readonly use_regex?: unknown
  } | null
}

/** What stands for hidden words, the first that a tokenizer has: BERT's, RoBERTa's, T5's, or whatever is unknown to it. */
const MASKS = ['[MASK]', '<mask>', '<extra_id_0>', '[UNK]', '<unk>']

/**
 * A `tokenizer.json` of Hugging Face's, read by their own library for JavaScript.
 *
 * @param name for people
 * @throws Error where the library cannot read it
 */
export function fromTokenizerJson(name: string, json: TokenizerJson): Tokenizer {
  const loaded = new Loaded(json, {})
  const plain = (text: string) => loaded.encode(text, { add_special_tokens: false }).ids
  const goesOn = json.model?.type === 'WordPiece' ? /^##/ : /^[^Ġ▁]/
  return {
    name,
    size: 1 + [...loaded.get_vocab(true).values()].reduce((a, b) => Math.max(a, b), 0),
    mask: MASKS.flatMap((token) => loaded.token_to_id(token) ?? [])[0] ?? null,
    frame: frameOf(loaded),
    encode: cutsAtBlanks(json) ? byWords(plain) : (text) => Int32Array.from(plain(text)),
    placeOf: (id): TokenPlace => {
      const token = loaded.id_to_token(id) ?? ''
      if (token === 'Ġ' || token === '▁') return 'blank'
      return goesOn.test(token) ? 'inside' : 'beginning'
    },
  }
}

/** The tokens that the tokenizer's own template puts around a text. */
function frameOf(loaded: Loaded): Tokenizer['frame'] {
  const whole: readonly number[] = loaded.encode('a', { add_special_tokens: true }).ids
  const inner: readonly number[] = loaded.encode('a', { add_special_tokens: false }).ids
  const start = whole.findIndex((_, i) => inner.every((id, k) => whole[i + k] === id))
  if (start < 0) return { before: [], after: [] }
  return { before: whole.slice(0, start), after: whole.slice(start + inner.length) }
}

/** Whether no token reaches over a blank between two words, and a word's tokens do not hang on its neighbours. */
function cutsAtBlanks({ model, pre_tokenizer: cut }: TokenizerJson): boolean {
  if (model?.type === 'WordPiece') return cut?.type === 'BertPreTokenizer'
  return cut?.type === 'ByteLevel' && cut.add_prefix_space === false && cut.use_regex !== false
}

/** Words are few and come again: each is encoded once, with the blank before it. */
function byWords(encode: (text: string) => readonly number[]): Tokenizer['encode'] {
  const known = new Map<string, readonly number[]>()
  return (text) =>
    Int32Array.from(
      text.split(/(?= )/).flatMap((word) => {
        const ids = known.get(word) ?? encode(word)
        known.set(word, ids)
        return ids
      }),
    )
}
