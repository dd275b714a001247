import type { Issue } from './issue.ts'
import { type Path, printable, type Source } from './source.ts'

/** An inclusive range of a number. */
export interface Range {
  readonly min: number
  readonly max: number
}

/**
 * Largest sizes taken. Each is at least eight times what any published dense transformer has, and small enough that
 * byte counts stay exact integers (below 2^53) and a walk over the layers stays quick.
 */
export const LIMITS = {
  hidden: { min: 1, max: 262_144 },
  intermediate: { min: 1, max: 1_048_576 },
  layers: { min: 1, max: 4_096 },
  heads: { min: 1, max: 16_384 },
  headDim: { min: 1, max: 16_384 },
  experts: { min: 1, max: 16_384 },
  vocab: { min: 1, max: 16_777_216 },
  positions: { min: 1, max: 1_073_741_824 },
  tokenTypes: { min: 1, max: 65_536 },
  labels: { min: 2, max: 1_048_576 },
  buckets: { min: 2, max: 65_536 },
  tokenId: { min: 0, max: 16_777_215 },
  probability: { min: 0, max: 1 },
  eps: { min: 0, max: 1 },
  ropeTheta: { min: 1, max: 1e12 },
} as const satisfies Record<string, Range>

/** `maxPositions` of a position encoding that sets no limit (T5's relative biases). */
export const UNLIMITED_POSITIONS = Number.MAX_SAFE_INTEGER

/** Parameters above which byte counts could leave the exact integers: 16 bytes each must stay below 2^53. */
export const MAX_PARAMETERS = 1e14

/** Longest text read, in UTF-16 units: real config files have a few thousand, with large label maps a megabyte. */
export const MAX_JSON_LENGTH = 8 * 1024 * 1024
/** YAML costs far more to read than JSON (a flow list of this length 70 MB), and is written by hand. */
export const MAX_YAML_LENGTH = 64 * 1024
/** Deepest nesting of objects and lists. */
export const MAX_DEPTH = 64
/** Most values in a document, aliases followed. */
export const MAX_VALUES = 1_000_000

/** A file full of forbidden keys is told after the first few. */
const MAX_FORBIDDEN_REPORTED = 20

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** The issue of a text that is too long to read, if it is. */
export function textTooLong(label: string, text: string, limit: number): Issue | undefined {
  if (text.length <= limit) return undefined
  return {
    code: 'too-large',
    where: label,
    message: `has ${text.length} characters`,
    expected: `at most ${limit} (${limit / 1024} KiB)`,
    next: 'Give the config.json of the model, not its weights or tokenizer.',
  }
}

/** What makes a parsed document hostile whatever it describes: keys that reach prototypes, depth, number of values. */
export function inspectTree(source: Source): Issue[] {
  const issues: Issue[] = []
  let values = 0
  const visit = (value: unknown, path: Path): boolean => {
    values++
    if (values > MAX_VALUES) {
      issues.push(tooLarge(source))
      return false
    }
    if (value === null || typeof value !== 'object') return true
    if (path.length >= MAX_DEPTH) {
      issues.push(tooDeep(source.at(path.slice(0, 3))))
      return false
    }
    if (Array.isArray(value)) return value.every((item, i) => visit(item, [...path, i]))
    for (const key of Object.keys(value)) {
      if (FORBIDDEN_KEYS.has(key)) {
        if (issues.length < MAX_FORBIDDEN_REPORTED) issues.push(forbiddenKey(source.at([...path, key]), key))
      } else if (!visit((value as Record<string, unknown>)[key], [...path, key])) return false
    }
    return true
  }
  visit(source.value, [])
  return issues
}

/** The issue of nesting deeper than `MAX_DEPTH`. */
export function tooDeep(where: string): Issue {
  return {
    code: 'too-deep',
    where,
    message: `is nested more than ${MAX_DEPTH} levels deep`,
    expected: `at most ${MAX_DEPTH} levels`,
    next: 'Flatten the document.',
  }
}

/** `value` names a parameter count too large to be counted exactly in bytes. */
export function tooManyParameters(where: string, parameters: number): Issue {
  return {
    code: 'too-large',
    where,
    message: `describes about ${parameters.toExponential(1)} parameters`,
    expected: `at most ${MAX_PARAMETERS.toExponential(0)}, so that bytes stay exact integers`,
    next: 'Check the sizes for a misplaced digit.',
  }
}

function tooLarge(source: Source): Issue {
  return {
    code: 'too-large',
    where: source.label,
    message: `has more than ${MAX_VALUES} values`,
    expected: `at most ${MAX_VALUES}, aliases followed`,
    next: 'Remove what is not part of the architecture.',
  }
}

function forbiddenKey(where: string, key: string): Issue {
  return {
    code: 'forbidden-key',
    where,
    message: `the key ${printable(key)} is refused`,
    expected: 'no key named __proto__, constructor or prototype',
    next: 'Remove the key: no model needs it, and it can be used to tamper with programs.',
  }
}
