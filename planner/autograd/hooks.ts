import type { Parameter } from '../ops/ops.ts'
import type { Tape } from './tape.ts'
import type { Leaf, Variable } from './variable.ts'

/**
 * What is done around a program's modules and its gradients, as PyTorch's module and tensor hooks do it. Sharding works through
 * these alone: a program does not know that it is sharded.
 */
export interface Hooks<D> {
  /** A forward and a backward begin; `last` is true for the one whose gradients the optimizer sees whole. */
  beginMicroStep?(last: boolean): void
  /** Before a module runs (`register_forward_pre_hook`): its arguments are held until it returns. */
  enter?(tape: Tape<D>, path: string, args: readonly Variable<D>[]): void
  /** After it ran (`register_forward_hook`), its own names are gone. */
  leave?(tape: Tape<D>, path: string, results: readonly Variable<D>[]): void
  /** A program asks for a parameter's tensor (`module.weight`). */
  access?(parameter: Parameter): void
  /** A leaf has its last gradient of this backward (`register_post_accumulate_grad_hook`). */
  accumulated?(leaf: Leaf<D>): void
  /** Runs the backward in place of `tape.backward`, with what an engine does before and after it. */
  backward?(tape: Tape<D>, loss: Variable<D>): void
  /** The engine has run every node (`Variable._execution_engine.queue_callback`). */
  endBackward?(): void
}
