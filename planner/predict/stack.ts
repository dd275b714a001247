import type { Allocator } from '../allocate/allocator.ts'
import { torchCuda } from '../allocate/torch-cuda/index.ts'
import { CURRENT, type Library, TRANSFORMERS_4_45, TRANSFORMERS_4_48 } from '../network/library.ts'
import type { Dialect } from '../simulate/dialect.ts'
import { torch } from '../simulate/dialects/torch.ts'
import { torchTransformers445 } from '../simulate/dialects/torch-transformers-4.45.ts'
import { torchTransformers448 } from '../simulate/dialects/torch-transformers-4.48.ts'
import { Refusal } from '../trace/errors.ts'

/** Frameworks and versions that a prediction is for: a runtime's dialect with a modeling library. */
export interface Stack {
  readonly name: string
  readonly dialect: Dialect
  readonly library: Library
  readonly allocator: Allocator
}

const stackOf = (dialect: Dialect, library: Library): Stack => ({
  name: `${dialect.name}+${library.name}`,
  dialect,
  library,
  allocator: torchCuda,
})

const NEWEST = stackOf(torch, CURRENT)

export const STACKS: readonly Stack[] = [
  NEWEST,
  stackOf(torchTransformers448, TRANSFORMERS_4_48),
  stackOf(torchTransformers445, TRANSFORMERS_4_45),
]
export const DEFAULT_STACK = NEWEST.name

/** A stack by its full name or an unambiguous part of it. Throws `Refusal` where there is none, or several. */
export function resolveStack(part: string): Stack {
  const found = STACKS.filter((s) => s.name.includes(part))
  if (found.length === 1) return found[0]!
  const known = STACKS.map((s) => s.name).join(', ')
  const message = found.length === 0 ? `no stack is called ${part}` : `${part} names several stacks`
  throw new Refusal('unknown-stack', '--stack', message, `known: ${known}`)
}
