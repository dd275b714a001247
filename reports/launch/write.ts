/** Scalars and plain lists that YAML, JSON and Python files are made of. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value | undefined }

/** A number that YAML 1.1 reads as one: no exponent. */
const decimal = (n: number): string => (/e/i.test(String(n)) ? n.toFixed(20).replace(/0+$/, '') : String(n))

/** Words that a YAML 1.1 parser takes for something else when they stand bare. */
const AMBIGUOUS = /^(?:y|n|yes|no|on|off|true|false|null|~)$/i
const BARE = /^[A-Za-z][\w./-]*$/

function scalar(value: string | number | boolean | null): string {
  if (typeof value === 'number') return decimal(value)
  if (typeof value !== 'string') return String(value)
  return BARE.test(value) && !AMBIGUOUS.test(value) ? value : JSON.stringify(value)
}

/** YAML of an object, two spaces a level; undefined values are left out. */
export function yaml(object: Readonly<Record<string, Value | undefined>>, indent = ''): string {
  return Object.entries(object)
    .flatMap(([key, value]) => {
      if (value === undefined) return []
      if (value === null || typeof value !== 'object') return [`${indent}${key}: ${scalar(value)}`]
      if (isList(value)) return [`${indent}${key}:`, ...value.map((item) => `${indent}  - ${item1(item, indent)}`)]
      return [`${indent}${key}:`, yaml(value, `${indent}  `).trimEnd()]
    })
    .join('\n')
    .concat('\n')
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value)

function item1(item: Value, indent: string): string {
  if (item === null || typeof item !== 'object') return scalar(item)
  return isList(item) ? JSON.stringify(item) : yaml(item, `${indent}    `).trim()
}

export const json = (object: Value): string => `${JSON.stringify(object, null, 2)}\n`

/** A value as Python writes it. */
export function python(value: Value | undefined): string {
  if (value === undefined || value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(python).join(', ')}]`
  return `{${Object.entries(value)
    .map(([k, v]) => `${JSON.stringify(k)}: ${python(v)}`)
    .join(', ')}}`
}

/** Names as PEFT takes them: a list, or the one word that is no name. */
export const targets = (names: readonly string[] | undefined): Value =>
  names?.includes('all-linear') ? 'all-linear' : [...(names ?? [])]
