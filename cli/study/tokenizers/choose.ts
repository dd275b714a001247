import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readJson } from '../../../models/json.ts'
import { hashOf } from '../../../planner/run/hash.ts'
import { BYTES, type Tokenizer } from '../../../planner/study/tokenizer.ts'
import { UsageError } from '../../errors.ts'
import type { TokenizerJson } from './library.ts'

/** `bytes`, `byte-pairs`, or the path of a tokenizer.json. */
export type TokenizerChoice = string

const FILE = 'tokenizer.json'

/** The tokenizer that was named, else the checkpoint's own, else the preset's. @throws UsageError */
export function chosenTokenizer(
  named: string | undefined,
  checkpoint: readonly string[],
  preset: TokenizerChoice,
): TokenizerChoice {
  if (named === undefined) {
    const [first] = checkpoint
    const own = first === undefined ? undefined : join(dirname(first), FILE)
    return own !== undefined && existsSync(own) ? own : preset
  }
  if (named === 'bytes' || named === 'byte-pairs') return named
  const found = statSync(named, { throwIfNoEntry: false })
  const path = found?.isDirectory() ? join(named, FILE) : named
  if (existsSync(path)) return path
  const next = 'Say bytes, byte-pairs, or the path of a tokenizer.json.'
  throw new UsageError([{ where: `--tokenizer ${named}`, message: 'is not there', next }])
}

/** @throws UsageError for a file that Hugging Face's library for JavaScript cannot read */
export async function loadTokenizer(choice: TokenizerChoice): Promise<{ tokenizer: Tokenizer; digest: string | null }> {
  if (choice === 'bytes') return { tokenizer: BYTES, digest: null }
  const { fromTokenizerJson } = await import('./library.ts')
  if (choice === 'byte-pairs') {
    const { bytePairsJson } = await import('./byte-pairs.ts')
    const json = bytePairsJson()
    return { tokenizer: fromTokenizerJson('byte pairs of Moby-Dick', json), digest: await hashOf(json) }
  }
  // whatever else it is, the library refuses it
  const json = readJson(readFileSync(choice, 'utf8'), choice).value as TokenizerJson
  try {
    return { tokenizer: fromTokenizerJson(choice, json), digest: await hashOf(json) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `is no tokenizer that @huggingface/tokenizers reads: ${reason}`
    throw new UsageError([
      { where: choice, message, next: 'Give the tokenizer.json of the model, or --tokenizer bytes.' },
    ])
  }
}
