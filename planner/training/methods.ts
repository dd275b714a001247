import type { Chooser } from './defaults.ts'
import { flagOf, type TrainingOptions } from './options.ts'

/** Methods that are others with more: what they stand for, unless it is said otherwise. */
const SHORTHANDS: Readonly<Record<string, TrainingOptions>> = {
  dora: { method: 'lora', use_dora: true },
  qlora: { method: 'lora', quantize: 'nf4-double', prepare_kbit: true },
  'qlora-fa': { method: 'lora-fa', quantize: 'nf4-double', prepare_kbit: true },
}

/** The setting with a method such as `qlora` written out. What it stands for and was not given is noted. */
export function expandMethod(asked: TrainingOptions, chooser: Chooser): TrainingOptions {
  const name = asked.method
  const meaning = name !== undefined && Object.hasOwn(SHORTHANDS, name) ? SHORTHANDS[name] : undefined
  if (meaning === undefined) return asked
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
  for (const [key, value] of Object.entries(meaning)) {
    if (key !== 'method' && given[key] === undefined)
      chooser.note(flagOf(key).slice(2), String(value), `--method ${name}`)
  }
  return { ...meaning, ...given, method: meaning.method }
}
