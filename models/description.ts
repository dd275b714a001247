import type { z } from 'zod'
import { buildBlocks } from './build-blocks.ts'
import type { Overrides } from './config.ts'
import { BLOCK_NAMES, type Description, description, keysOf } from './description-schema.ts'
import { Dimensions, type Report, type Size } from './dimensions.ts'
import { isPlain, loadParser } from './expression.ts'
import { type Issue, ModelError, throwIfAny } from './issue.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters, UNLIMITED_POSITIONS } from './limits.ts'
import { didYouMean } from './nearest.ts'
import { describeValue, type Path, printable, type Source } from './source.ts'
import type { FreeformBlock, FreeformSpec, Provenance } from './spec.ts'

const MAX_DIMENSIONS = 100
const MAX_ISSUES = 50

/**
 * Reads an architecture description (docs/descriptions.md), works out its dimensions and checks that its blocks fit
 * together. mathjs is loaded only if some size is more than a number or a name.
 *
 * @param source a document whose keys were inspected already (`inspectTree`)
 * @param fallbackName used if the description has no name
 * @throws ModelError with everything that is wrong
 */
export async function readDescription(
  source: Source,
  fallbackName: string,
  overrides: Overrides = {},
): Promise<FreeformSpec> {
  const parsed = description.safeParse(source.value, { reportInput: true })
  if (!parsed.success) {
    throw new ModelError(parsed.error.issues.flatMap((issue) => toIssues(issue, source)).slice(0, MAX_ISSUES))
  }
  const issues: Issue[] = []
  const report: Report = (code, path, message, expected, next) => {
    if (issues.length < MAX_ISSUES) issues.push({ code, where: source.at(path), message, expected, next })
  }
  const sizes = parsed.data.dimensions ?? {}
  if (Object.keys(sizes).length > MAX_DIMENSIONS) {
    report('too-large', ['dimensions'], 'has too many names', `at most ${MAX_DIMENSIONS}`, 'Remove what is not used.')
    throwIfAny(issues)
  }
  const parser = [...expressionsIn(parsed.data)].every(isPlain) ? undefined : await loadParser()
  const dimensions = new Dimensions(sizes, parser, report)
  const values = dimensions.all()
  const blocks = buildBlocks(parsed.data.blocks, dimensions, report)
  const maxPositions = readMaxPositions(parsed.data, dimensions, blocks, report)
  throwIfAny(issues)
  const parameters = countParameters(blocks)
  if (parameters > MAX_PARAMETERS) throw new ModelError([tooManyParameters(source.label, parameters)])
  refuseTask(overrides)
  return {
    family: 'freeform',
    name: parsed.data.name ?? fallbackName,
    architecture: 'freeform',
    modelType: 'freeform',
    task: 'causal-lm',
    dtype: parsed.data.dtype ?? 'float32',
    maxPositions,
    blocks: keepFirst(blocks, overrides.layers),
    dimensions: values,
    provenance: provenanceOf(parsed.data, overrides),
  }
}

/** All sizes that are text, wherever they stand. */
function* expressionsIn({ dimensions, max_positions, blocks }: Description): Generator<string> {
  const labels: ReadonlySet<string> = new Set(['block', 'name', 'kind', 'activation'])
  const sizes: (Size | undefined)[] = [...Object.values(dimensions ?? {}), max_positions]
  const pending = [...blocks]
  for (let block = pending.pop(); block !== undefined; block = pending.pop()) {
    if ('of' in block) pending.push(...block.of)
    for (const [key, value] of Object.entries(block)) if (!labels.has(key)) sizes.push(value)
  }
  for (const size of sizes) if (typeof size === 'string') yield size
}

function readMaxPositions(
  given: Description,
  dimensions: Dimensions,
  blocks: readonly FreeformBlock[],
  report: Report,
): number {
  const learned = blocks.flatMap((block) => (block.block === 'positions' ? [block.positions] : []))
  const limit = Math.min(UNLIMITED_POSITIONS, ...learned)
  if (given.max_positions === undefined) return limit
  const path = ['max_positions']
  const value = dimensions.evaluate(given.max_positions, path)
  if (value === undefined) return limit
  const most = Math.min(limit, LIMITS.positions.max)
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  const expected = `an integer from 1 to ${most}${learned.length > 0 ? ', the learned positions' : ''}`
  report('out-of-range', path, `is ${value}`, expected, 'Correct the value, or leave it out.')
  return limit
}

/** The first `layers` of every outermost repeat, as `--layers` asks. */
function keepFirst(blocks: readonly FreeformBlock[], layers: number | undefined): readonly FreeformBlock[] {
  if (layers === undefined) return blocks
  const deepest = Math.max(0, ...blocks.map((block) => (block.block === 'repeat' ? block.times : 0)))
  if (!Number.isInteger(layers) || layers < 1 || layers > deepest) {
    const expected = deepest === 0 ? 'a description with a repeat block' : `an integer from 1 to ${deepest}`
    const next = 'Keep fewer layers, or leave the option out.'
    throw new ModelError([{ code: 'out-of-range', where: '--layers', message: `is ${layers}`, expected, next }])
  }
  return blocks.map((block) => (block.block === 'repeat' ? { ...block, times: Math.min(block.times, layers) } : block))
}

function refuseTask(overrides: Overrides): void {
  if (overrides.task === undefined || overrides.task === 'causal-lm') return
  const next = 'A described model ends in a head over the vocabulary.'
  const message = `is ${printable(overrides.task)}`
  throw new ModelError([{ code: 'unsupported', where: '--task', message, expected: 'causal-lm', next }])
}

function provenanceOf(given: Description, overrides: Overrides): Record<string, Provenance> {
  const written = (key: keyof Description): Provenance => ({
    source: given[key] === undefined ? 'default' : 'config',
    key,
  })
  return {
    family: written('schema'),
    name: written('name'),
    architecture: written('schema'),
    modelType: written('schema'),
    task: overrides.task === undefined ? written('task') : { source: 'override', key: 'task' },
    dtype: written('dtype'),
    maxPositions: written('max_positions'),
    blocks: overrides.layers === undefined ? written('blocks') : { source: 'override', key: 'layers' },
    dimensions: written('dimensions'),
  }
}

/** Weights of the matrices only: enough to tell whether bytes stay exact. */
function countParameters(blocks: readonly FreeformBlock[]): number {
  return blocks.reduce((sum, block) => sum + countBlock(block), 0)
}

function countBlock(block: FreeformBlock): number {
  switch (block.block) {
    case 'embedding':
    case 'head':
      return block.vocab * block.width
    case 'positions':
      return block.positions * block.width
    case 'attention':
      return 2 * block.width * block.headDim * (block.heads + block.kvHeads)
    case 'mlp':
      return (block.gated ? 3 : 2) * block.width * block.inner
    case 'residual':
      return countParameters(block.of)
    case 'repeat':
      return block.times * countParameters(block.of)
    case 'norm':
    case 'dropout':
      return 0
  }
}

/** What zod found, in the words of this project. */
function toIssues(issue: z.core.$ZodIssue, source: Source): Issue[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
  const where = source.at(path)
  const last = path[path.length - 1]
  if (issue.code === 'unrecognized_keys') {
    const known = keysOf(kindAt(source.value, path))
    const expected = `one of ${known.join(', ')}`
    return issue.keys.map((key) => ({
      code: 'unknown-key',
      where: source.at([...path, key]),
      message: 'is not a known key',
      expected,
      next: didYouMean(key, known, 'Remove it.'),
    }))
  }
  if (issue.code === 'invalid_union' && last === 'block') {
    const said = String(valueAt(source.value, path) ?? '')
    const next = didYouMean(said, BLOCK_NAMES, 'Choose one of them.')
    const message = said === '' ? 'is missing' : `"${printable(said)}" is not a kind of block`
    return [{ code: 'structure', where, message, expected: `one of ${BLOCK_NAMES.join(', ')}`, next }]
  }
  const value = valueAt(source.value, path)
  const missing = value === undefined
  const message = missing ? 'is missing' : `is ${describeValue(value)}`
  const next = missing ? `Add "${last ?? ''}".` : 'Correct the value.'
  return [{ code: missing ? 'missing-field' : 'wrong-type', where, message, expected: expectation(issue), next }]
}

/** zod's sentences begin "Invalid input: expected …"; its own errors are given by the schema as what was expected. */
function expectation(issue: z.core.$ZodIssue): string {
  return issue.message.replace(/^Invalid [a-z]+: (expected )?/, '').replace(/^Too (small|big): expected /, '')
}

function kindAt(root: unknown, path: Path): string | undefined {
  const kind = valueAt(root, [...path, 'block'])
  return typeof kind === 'string' ? kind : undefined
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, step)) return undefined
    return (value as Record<string | number, unknown>)[step]
  }, root)
}
