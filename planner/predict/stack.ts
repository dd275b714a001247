import type { Dialect } from '../simulate/dialect.ts'
import { torch } from '../simulate/dialects/torch.ts'
import { Refusal } from '../trace/errors.ts'

/** Frameworks and versions that a prediction is for: a runtime's dialect with a modeling library. */
export interface Stack {
  readonly name: string
  readonly dialect: Dialect
}

const TORCH: Stack = { name: 'torch-2.13+transformers-5.23+peft-0.21', dialect: torch }

export const STACKS: readonly Stack[] = [TORCH]
export const DEFAULT_STACK = TORCH.name

/** A stack by its full name or an unambiguous part of it. Throws `Refusal` where there is none, or several. */
export function resolveStack(part: string): Stack {
  const found = STACKS.filter((s) => s.name.includes(part))
  if (found.length === 1) return found[0]!
  const known = STACKS.map((s) => s.name).join(', ')
  const message = found.length === 0 ? `no stack is called ${part}` : `${part} names several stacks`
  throw new Refusal('unknown-stack', '--stack', message, `known: ${known}`)
}
