import type { Tensor } from '@tensorflow/tfjs-core'
import type { Operation } from '../../autograd/operation.ts'
import type { OpName } from '../../ops/attributes.ts'
import type { Primitives } from './primitives.ts'

/** One operation's forward and backward with numbers, over the primitives of a run. */
export type Kernel<N extends OpName> = (p: Primitives) => Operation<Tensor, N>
