import * as z from 'zod/mini'

/** How a flag's text becomes a value, and how a value is checked: the same check for argv and for files. */
export interface Kind<T> {
  readonly kind: 'integer' | 'number' | 'boolean' | 'choice' | 'list' | 'text'
  readonly schema: z.ZodMiniType<T>
  /** What errors call the values that are allowed. */
  readonly expected: string
  /** The values, where they can be listed: for help, completion and the nearest name. */
  readonly choices?: readonly string[]
}

const MAX_TEXT = 4096

export const integer = (min: number, max: number): Kind<number> => ({
  kind: 'integer',
  schema: z.int().check(z.gte(min), z.lte(max)),
  expected: `an integer from ${min} to ${max}`,
})

/** A number in a range; `below` leaves the upper end out. */
export const number = (min: number, max: number, below = false): Kind<number> => ({
  kind: 'number',
  schema: z.number().check(z.gte(min), below ? z.lt(max) : z.lte(max)),
  expected: `a number from ${min} ${below ? 'to below' : 'to'} ${max}`,
})

export const boolean = (): Kind<boolean> => ({ kind: 'boolean', schema: z.boolean(), expected: 'true or false' })

export const choice = <const T extends string>(values: readonly T[]): Kind<T> => ({
  kind: 'choice',
  schema: z.enum(values),
  expected: `one of ${values.join(', ')}`,
  choices: values,
})

/** Names apart by commas; a file may also give a list. */
export const list = (): Kind<string[]> => ({
  kind: 'list',
  schema: z.array(z.string().check(z.minLength(1), z.maxLength(MAX_TEXT))).check(z.minLength(1), z.maxLength(1000)),
  expected: 'one or more names, apart by commas',
})

/** A list of which each item is one of a few names, none twice. */
export const choices = <const T extends string>(values: readonly T[]): Kind<T[]> => ({
  kind: 'list',
  schema: z.array(z.enum(values)).check(
    z.minLength(1),
    z.refine((items) => new Set(items).size === items.length),
  ),
  expected: `one or more of ${values.join(', ')}, apart by commas, none twice`,
  choices: values,
})

export const text = (expected: string): Kind<string> => ({
  kind: 'text',
  schema: z.string().check(z.minLength(1), z.maxLength(MAX_TEXT)),
  expected,
})

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** Numbers apart by commas, none twice; `whole` takes integers only. */
export const numbers = (min: number, max: number, whole = false): Kind<number[]> => {
  const one = (whole ? z.int() : z.number()).check(z.gte(min), z.lte(max))
  const read = (value: unknown): unknown => (typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value)
  return {
    kind: 'list',
    schema: z.array(z.pipe(z.transform(read), one)).check(
      z.minLength(1),
      z.refine((items) => new Set(items).size === items.length),
    ),
    expected: `one or more ${whole ? 'integers' : 'numbers'} from ${min} to ${max}, apart by commas, none twice`,
  }
}
