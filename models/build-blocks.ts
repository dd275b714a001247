import type { DescribedBlock } from './description-schema.ts'
import type { Dimensions, Report, Size } from './dimensions.ts'
import { LIMITS, type Range } from './limits.ts'
import type { Path } from './source.ts'
import type { FreeformBlock } from './spec.ts'

/** Most blocks a description may have written down, and most layers that repeats within repeats may come to. */
const MAX_BLOCKS = 1_000

/** What is known on the way through the blocks: the stream has one width from the embedding to the head. */
interface Walk {
  readonly dimensions: Dimensions
  readonly report: Report
  /** Set by the embedding. */
  width: number | undefined
  vocab: number | undefined
  blocks: number
}

/** Placement of a block: only the outermost list may begin with an embedding and end with a head. */
interface Place {
  readonly path: Path
  readonly name: string
  readonly outermost: boolean
  readonly first: boolean
  readonly last: boolean
  /** Product of the repeats around it. */
  readonly repeated: number
}

/** Names of blocks that a person did not name: the kind, but for repeat, whose children Hugging Face calls layers. */
const DEFAULT_NAMES: Readonly<Partial<Record<DescribedBlock['block'], string>>> = {
  embedding: 'embed',
  repeat: 'layers',
}

/**
 * Works out the numbers of all blocks and checks that they fit together. Everything wrong is reported; the blocks
 * returned are meaningless if anything was.
 */
export function buildBlocks(
  described: readonly DescribedBlock[],
  dimensions: Dimensions,
  report: Report,
): FreeformBlock[] {
  const walk: Walk = { dimensions, report, width: undefined, vocab: undefined, blocks: 0 }
  return buildList(described, ['blocks'], 1, walk)
}

function buildList(described: readonly DescribedBlock[], path: Path, repeated: number, walk: Walk): FreeformBlock[] {
  const names = nameBlocks(described, path, walk.report)
  const built: FreeformBlock[] = []
  for (const [i, block] of described.entries()) {
    walk.blocks++
    if (walk.blocks === MAX_BLOCKS + 1) {
      const next = 'Use repeat for layers that are alike.'
      walk.report(
        'too-large',
        [...path, i],
        `is block ${walk.blocks}`,
        `at most ${MAX_BLOCKS} blocks written down`,
        next,
      )
    }
    if (walk.blocks > MAX_BLOCKS) break
    const place = {
      path: [...path, i],
      name: names[i]!,
      outermost: path.length === 1,
      first: i === 0,
      last: i === described.length - 1,
      repeated,
    }
    built.push(buildBlock(block, place, walk))
  }
  return built
}

function buildBlock(block: DescribedBlock, place: Place, walk: Walk): FreeformBlock {
  checkPlace(block, place, walk)
  const { name, path } = place
  const integer = (key: string, size: Size, range: Range): number => readSize(walk, [...path, key], size, range, true)
  const number = (key: string, size: Size, range: Range): number => readSize(walk, [...path, key], size, range, false)
  if (block.block === 'embedding') {
    const vocab = integer('vocab', block.vocab, LIMITS.vocab)
    const width = integer('width', block.width, LIMITS.hidden)
    walk.vocab ??= vocab
    walk.width ??= width
    return { block: 'embedding', name, vocab, width }
  }
  if (block.block === 'residual') {
    return { block: 'residual', name, of: buildList(block.of, [...path, 'of'], place.repeated, walk) }
  }
  if (block.block === 'repeat') {
    const times = integer('times', block.times, LIMITS.layers)
    const repeated = place.repeated * times
    if (repeated > LIMITS.layers.max && times <= LIMITS.layers.max) {
      const expected = `at most ${LIMITS.layers.max} together`
      walk.report('out-of-range', [...path, 'times'], `repeats come to ${repeated} layers`, expected, 'Repeat less.')
    }
    return { block: 'repeat', name, times, of: buildList(block.of, [...path, 'of'], repeated, walk) }
  }
  if (block.block === 'dropout') return { block: 'dropout', name, p: number('p', block.p, LIMITS.probability) }
  const width = readWidth(block.width, place, walk)
  switch (block.block) {
    case 'positions':
      return { block: 'positions', name, positions: integer('positions', block.positions, LIMITS.positions), width }
    case 'norm': {
      const eps = number('eps', block.eps ?? (block.kind === 'layer' ? 1e-5 : 1e-6), LIMITS.eps)
      return { block: 'norm', name, kind: block.kind, width, eps }
    }
    case 'attention':
      return buildAttention(block, width, place, walk)
    case 'mlp': {
      const gated = block.gated ?? false
      const inner = integer('inner', block.inner, LIMITS.intermediate)
      const activation = block.activation ?? (gated ? 'silu' : 'gelu')
      return { block: 'mlp', name, width, inner, activation, gated, bias: block.bias ?? false }
    }
    case 'head': {
      const vocab = block.vocab === undefined ? (walk.vocab ?? 1) : integer('vocab', block.vocab, LIMITS.vocab)
      const tied = block.tied ?? false
      if (tied && walk.vocab !== undefined && vocab !== walk.vocab) {
        const next = 'Leave vocab out, or set tied to false.'
        walk.report('conflict', [...path, 'vocab'], `is ${vocab}`, `${walk.vocab}, as in the embedding it shares`, next)
      }
      return { block: 'head', name, vocab, width, tied }
    }
  }
}

function buildAttention(
  block: Extract<DescribedBlock, { block: 'attention' }>,
  width: number,
  { name, path }: Place,
  walk: Walk,
): FreeformBlock {
  const heads = readSize(walk, [...path, 'heads'], block.heads, LIMITS.heads, true)
  const kvHeads = readSize(walk, [...path, 'kv_heads'], block.kv_heads ?? heads, LIMITS.heads, true)
  const next = 'Correct one of the two.'
  if (heads % kvHeads !== 0) {
    const message = `${heads} heads cannot be shared by ${kvHeads} key/value heads`
    walk.report('indivisible', [...path, 'kv_heads'], message, 'heads a multiple of kv_heads', next)
  }
  let headDim = width / heads
  if (block.head_dim !== undefined) {
    headDim = readSize(walk, [...path, 'head_dim'], block.head_dim, LIMITS.headDim, true)
  } else if (!Number.isInteger(headDim)) {
    const message = `the width ${width} is not divisible by ${heads} heads`
    walk.report('indivisible', [...path, 'heads'], message, 'a width that is a multiple of heads, or head_dim', next)
  }
  const rotary = block.rotary ?? false
  if (rotary && Number.isInteger(headDim) && headDim % 2 !== 0) {
    const message = `the head width is ${headDim}`
    walk.report('indivisible', [...path, 'rotary'], message, 'an even head width: rotary positions turn pairs', next)
  }
  const bias = block.bias ?? false
  return { block: 'attention', name, width, heads, kvHeads, headDim, bias, causal: block.causal ?? true, rotary }
}

/** The width of the stream; one that is written out must be the same. */
function readWidth(size: Size | undefined, { path }: Place, walk: Walk): number {
  if (size === undefined) return walk.width ?? 1
  const width = readSize(walk, [...path, 'width'], size, LIMITS.hidden, true)
  if (walk.width !== undefined && width !== walk.width) {
    const expected = `${walk.width}, the width of the embedding`
    walk.report('conflict', [...path, 'width'], `is ${width}`, expected, 'Leave it out, or correct one of the two.')
  }
  return width
}

function readSize(walk: Walk, path: Path, size: Size, range: Range, whole: boolean): number {
  const value = walk.dimensions.evaluate(size, path)
  if (value === undefined) return range.min
  const expected = `${whole ? 'an integer' : 'a number'} from ${range.min} to ${range.max}`
  const got = typeof size === 'string' && size.trim() !== String(value) ? `"${size}" is ${value}` : `is ${value}`
  if (whole && !Number.isInteger(value)) {
    walk.report('wrong-type', path, got, expected, 'Use round(x, m), ceil(x, m) or floor(x, m).')
    return range.min
  }
  if (value >= range.min && value <= range.max) return value
  walk.report('out-of-range', path, got, expected, 'Correct the value.')
  return range.min
}

function checkPlace(block: DescribedBlock, place: Place, walk: Walk): void {
  const path = [...place.path, 'block']
  const embeds = block.block === 'embedding'
  if (embeds !== (place.outermost && place.first)) {
    const expected = 'one embedding, as the first of the outermost blocks'
    const message = embeds ? 'is an embedding in another place' : 'is the first block'
    // inside a residual or repeat only a stray embedding is wrong, not its absence
    if (embeds || place.outermost) walk.report('structure', path, message, expected, 'Begin with an embedding.')
  }
  const heads = block.block === 'head'
  if (heads !== (place.outermost && place.last) && (heads || place.outermost)) {
    const expected = 'one head, as the last of the outermost blocks'
    walk.report(
      'structure',
      path,
      heads ? 'is a head in another place' : 'is the last block',
      expected,
      'End with a head.',
    )
  }
  if (block.block === 'positions' && !place.outermost) {
    walk.report('structure', path, 'is inside another block', 'positions among the outermost blocks', 'Move it out.')
  }
}

/** One name a sibling: what a person gave, else the kind with the first number that is free. */
function nameBlocks(described: readonly DescribedBlock[], path: Path, report: Report): string[] {
  const taken = new Set<string>()
  for (const [i, block] of described.entries()) {
    if (block.name === undefined) continue
    if (taken.has(block.name)) {
      report(
        'conflict',
        [...path, i, 'name'],
        `${block.name} comes twice`,
        'names that differ among siblings',
        'Rename one.',
      )
    }
    taken.add(block.name)
  }
  return described.map((block) => {
    if (block.name !== undefined) return block.name
    const kind = DEFAULT_NAMES[block.block] ?? block.block
    let name: string = kind
    for (let n = 1; taken.has(name); n++) name = `${kind}_${n}`
    taken.add(name)
    return name
  })
}
