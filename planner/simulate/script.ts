import type { Meta } from '../autograd/node.ts'
import { type Axes, ONE } from '../trace/axes.ts'
import { DTYPES, type DType } from '../trace/dtype.ts'
import type { Script } from './dialect.ts'

/** A script's line, read once. */
export interface AllocStep {
  readonly do: 'alloc'
  readonly name: string
  readonly shape: Shape
}
export type Step =
  | AllocStep
  | { readonly do: 'free'; readonly name: string }
  | { readonly do: 'rename'; readonly name: string; readonly from: string }

interface Shape {
  readonly of: string
  readonly part: 'all' | 'rows' | 'last' | 'scalar'
  readonly dtype: DType | null
}

const read = new Map<string, Step>()

/** Parses one line; the same text is parsed once. Throws on a malformed line: scripts are the tool's own data. */
export function parseStep(line: string): Step {
  const known = read.get(line)
  if (known) return known
  const step = parse(line)
  read.set(line, step)
  return step
}

function parse(line: string): Step {
  if (line.startsWith('-')) return { do: 'free', name: line.slice(1) }
  const [name, from] = line.split('<-')
  if (from !== undefined) return { do: 'rename', name: name!, from }
  const match = /^([\w@]+)=(?:(rows|lastaxis):)?(\w+)(?:\/(\w+))?$/.exec(line)
  const dtype = match?.[4] as DType | undefined
  if (!match || (dtype !== undefined && !DTYPES.includes(dtype))) throw new Error(`malformed script line: ${line}`)
  const of = match[3]!
  const part = match[2] === 'rows' ? 'rows' : match[2] === 'lastaxis' ? 'last' : of === 'scalar' ? 'scalar' : 'all'
  return { do: 'alloc', name: match[1]!, shape: { of, part, dtype: dtype ?? null } }
}

/** The shape that a line asks for, from the shapes that it may name. */
export function shapeOf(shape: Shape, known: (name: string) => Meta | null): Meta {
  if (shape.part === 'scalar') return { axes: [], dtype: shape.dtype ?? 'float32' }
  const base = known(shape.of)
  if (!base) throw new Error(`a script names ${shape.of}, which this operation does not have`)
  return { axes: partOf(base.axes, shape.part), dtype: shape.dtype ?? base.dtype }
}

function partOf(axes: Axes, part: Shape['part']): Axes {
  if (part === 'rows') return [...axes.slice(0, -1), ONE]
  if (part === 'last') return axes.slice(-1)
  return axes
}

const scripts = new WeakMap<Script, readonly Step[]>()

/** A script's lines, read once. */
export function stepsOf(script: Script): readonly Step[] {
  const known = scripts.get(script)
  if (known) return known
  const steps = script.map(parseStep)
  scripts.set(script, steps)
  return steps
}
