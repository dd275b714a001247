import { didYouMean } from '../../models/nearest.ts'
import { describeValue } from '../../models/source.ts'
import type { Problem } from '../errors.ts'
import { type FlagKey, flagFor } from '../flags.ts'

/** The value of a flag wherever it was written, or what is wrong with it. */
export type Checked = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: Problem }

/** Checks one value against the flag's schema: the one check that argv and files share. */
export function checkValue(key: FlagKey, value: unknown, where: string): Checked {
  const { schema, expected, choices } = flagFor(key)
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, value: parsed.data }
  const wrong = choices && Array.isArray(value) ? value.find((v) => !choices.includes(String(v))) : value
  const shown = wrong === undefined ? value : wrong
  const said = Array.isArray(shown) ? shown.join(',') : shown
  const next =
    choices && typeof said === 'string' ? didYouMean(said, choices, 'Correct the value.') : 'Correct the value.'
  return { ok: false, problem: { where, message: `is ${describeValue(said)}; expected ${expected}`, next } }
}
