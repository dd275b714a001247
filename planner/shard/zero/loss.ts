import type { Tape } from '../../autograd/tape.ts'
import type { SimTensor, View } from '../../simulate/storage.ts'

/** DeepSpeedEngine.backward: the loss is multiplied by its scale, whatever that is, run back, and what the optimizer does with gradients follows. */
export function scaledBackward(tape: Tape<View>, loss: SimTensor, epilogue: () => void): void {
  const scaled = tape.mulScalar(loss, 1)
  tape.hold(scaled)
  tape.backward(scaled)
  epilogue()
  tape.drop(scaled)
}
