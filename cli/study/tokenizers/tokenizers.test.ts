import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { plainText } from '../../../planner/study/tokenizer.ts'
import { bytePairsJson } from './byte-pairs.ts'
import { fromTokenizerJson, type TokenizerJson } from './library.ts'

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../../fixtures/tokenizers/${name}.json`, import.meta.url), 'utf8'))

/** Recorded by fixtures/record/tokens.py: ids that Hugging Face's tokenizers in Rust gives. */
const recorded = fixture('ids') as Readonly<Record<string, readonly (readonly number[])[]>> & {
  readonly samples: readonly string[]
}
const sizes = fixture('ids') as Readonly<Record<string, number>>

const TOKENIZERS = {
  'byte-pairs': bytePairsJson(),
  // files that the recorder wrote
  'word-piece': fixture('word-piece') as TokenizerJson,
  unigram: fixture('unigram') as TokenizerJson,
}

for (const [name, json] of Object.entries(TOKENIZERS)) {
  const tokenizer = fromTokenizerJson(name, json)

  test(`${name}: the ids are those of Hugging Face's tokenizers, with the frame of its template`, () => {
    const { before, after } = tokenizer.frame
    recorded.samples.forEach((text, i) => {
      const ids = [...tokenizer.encode(text)]
      assert.equal(ids, recorded[name]![i], text)
      assert.equal([...before, ...ids, ...after], recorded[`${name}, framed`]![i])
    })
    assert.is(tokenizer.size, sizes[`${name}, size`])
  })
}

test('words that were encoded before change nothing: a text by words has the tokens of the whole', () => {
  const json = bytePairsJson()
  const byWords = fromTokenizerJson('by words', json)
  // the same tokens by another name, which is not cut
  const split = { type: 'Sequence', pretokenizers: [json.pre_tokenizer] }
  const whole = fromTokenizerJson('whole', { ...json, pre_tokenizer: split })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (raw) => {
      const text = plainText(raw)
      assert.equal(byWords.encode(text), whole.encode(text))
    }),
  )
})

test('a token says where it stands among words, and what hides one', () => {
  const places = (name: keyof typeof TOKENIZERS, text: string) => {
    const tokenizer = fromTokenizerJson(name, TOKENIZERS[name])
    return [...tokenizer.encode(text)].map((id) => tokenizer.placeOf(id))
  }
  assert.equal(places('byte-pairs', 'the the whaleman').slice(1, 3), ['beginning', 'beginning'])
  assert.ok(
    places('byte-pairs', 'a xyz')
      .slice(2)
      .every((p) => p === 'inside'),
  )
  assert.equal(places('word-piece', 'the')[0], 'beginning')
  assert.ok(
    places('word-piece', 'xqz')
      .slice(1)
      .every((p) => p === 'inside'),
  )
  const masks = Object.entries(TOKENIZERS).map(([name, json]) => fromTokenizerJson(name, json).mask)
  assert.ok(masks.every((m) => m !== null))
})

test.run()
