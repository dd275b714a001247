import { accelerate } from './accelerate.ts'
import { axolotl } from './axolotl.ts'
import { deepspeed } from './deepspeed.ts'
import type { Format } from './format.ts'
import { llamaFactory } from './llama-factory.ts'
import { peft } from './peft.ts'
import { torchtune } from './torchtune.ts'
import { transformers } from './transformers.ts'
import { trl } from './trl.ts'

/** Formats of other tools. The first whose marks a file bears is taken: those that hold another's keys too come before it. */
export const FORMATS: readonly Format[] = [
  peft,
  axolotl,
  torchtune,
  llamaFactory,
  accelerate,
  deepspeed,
  trl,
  transformers,
]

/** The format whose marks stand in the file; undefined for tidemark's own. */
export function recognise(value: object): { readonly format: Format; readonly mark: string } | undefined {
  for (const format of FORMATS) {
    const mark = format.marks.find((keys) => keys.every((key) => has(value, key.split('.'))))
    if (mark !== undefined) return { format, mark: mark.join(' and ') }
  }
  return undefined
}

function has(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return false
  return has((value as Readonly<Record<string, unknown>>)[key], rest)
}
