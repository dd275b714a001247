import type { Variable } from '../autograd/variable.ts'
import type { Axes } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { Device } from '../trace/event.ts'

/** Bytes that live as long as some variable looks at them. */
export interface Storage {
  /** Another one each time the storage is filled again. */
  id: number
  readonly bytes: number
  /** Shape and type it was allocated with. */
  readonly axes: Axes
  readonly dtype: DType
  /** Where its bytes are, or were last. */
  device: Device
  /** Variables over it, saved ones and gradients included. */
  holders: number
  /** Its bytes are gone while variables still look at it (`storage.resize_(0)`). */
  empty?: boolean
}

/** A simulated tensor: a storage seen under strides, in elements. No numbers. */
export interface View {
  readonly storage: Storage
  readonly strides: readonly number[]
  /** A view keeps its base tensor alive, so the engine never takes it for the storage's only holder. */
  readonly isView: boolean
}

export type SimTensor = Variable<View>
