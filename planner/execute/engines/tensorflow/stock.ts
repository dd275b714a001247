import type { Binding, Output, StockBinding } from './binding.ts'

/** Operations that may hand their input's bytes on, whatever they are asked to do. */
const MAY_ALIAS = new Set(['Slice', 'StridedSlice', 'Transpose', 'Split', 'PadV2', 'Sum', 'Max'])
/** Operations whose result is their first input's bytes. */
const ALIASES = new Set(['Reshape', 'Identity'])

const VIEWS = { 1: Float32Array, 3: Int32Array, 10: Uint8Array } as const
const ITEMSIZE: Readonly<Record<number, number>> = { 1: 4, 3: 4, 10: 1 }

/**
 * A stock binding of npm, which does not tell where tensors lie, as one that does. Which results share bytes is known from the
 * operation: what might be a view counts as one, and is copied by whoever asks. Values are written by InplaceUpdate, which works on the
 * tensor itself (tensorflow/core/kernels/inplace_ops.cc). What its allocators count it does not tell.
 */
export function emulated(binding: StockBinding): Binding {
  const { TF_ATTR_TYPE } = binding
  const tensors = new Map<
    number,
    { readonly storage: number; readonly shape: readonly number[]; readonly dtype: number }
  >()
  let storages = 0
  /** Results that may be views, until they are asked about. */
  const doubtful = new Set<number>()

  const enter = (id: number, shape: readonly number[], dtype: number, storage = ++storages): number => {
    tensors.set(id, { storage, shape, dtype })
    return id
  }
  const leave = (id: number): void => {
    tensors.delete(id)
    doubtful.delete(id)
    binding.deleteTensor(id)
  }
  const create = (shape: readonly number[], dtype: number, values: Parameters<Binding['createTensor']>[2]): number =>
    enter(binding.createTensor(shape, dtype, values), shape, dtype)
  const execute: Binding['executeOp'] = (name, attributes, inputs, count) => {
    const outputs: Output[] = binding.executeOp(name, attributes, inputs, count)
    const source = tensors.get(inputs[0] ?? -1)
    for (const { id, shape, dtype } of outputs) {
      const same = ALIASES.has(name) || (name === 'Cast' && source?.dtype === dtype)
      enter(id, shape, dtype, same ? source?.storage : undefined)
      if (MAY_ALIAS.has(name)) doubtful.add(id)
    }
    return outputs
  }
  const type = (dtype: number) => ({ name: 'T', type: TF_ATTR_TYPE, value: dtype })
  const INT32 = 3

  return {
    ...binding,
    deleteTensor: leave,
    createTensor: create,
    argumentTensor: create,
    executeOp: execute,
    allocateTensor(shape, dtype) {
      const View = VIEWS[dtype as keyof typeof VIEWS]
      return create(shape, dtype, new View(shape.reduce((n, s) => n * s, 1)))
    },
    aliasTensor(id, shape) {
      const { dtype } = tensors.get(id)!
      const sizes = binding.createTensor([shape.length], INT32, Int32Array.from(shape))
      const shaped = { name: 'Tshape', type: TF_ATTR_TYPE, value: INT32 }
      const [alias] = execute('Reshape', [type(dtype), shaped], [id, sizes], 1)
      binding.deleteTensor(sizes)
      return alias!.id
    },
    tensorAddress: (id) => tensors.get(id)?.storage ?? 0,
    sharesMemory: (id) => doubtful.has(id),
    tensorView: () => {
      throw new Error('a stock binding shows no memory')
    },
    tensorWrite(id, bytes) {
      const { dtype } = tensors.get(id)!
      const row = [1, bytes.length / ITEMSIZE[dtype]!]
      const View = VIEWS[dtype as keyof typeof VIEWS]
      const made = [
        binding.createTensor([2], INT32, Int32Array.from(row)),
        binding.createTensor([1], INT32, new Int32Array(1)),
        binding.createTensor(row, dtype, new View(bytes.slice().buffer)),
      ] as const
      const shaped = { name: 'Tshape', type: TF_ATTR_TYPE, value: INT32 }
      const [flat] = binding.executeOp('Reshape', [type(dtype), shaped], [id, made[0]], 1)
      const [written] = binding.executeOp('InplaceUpdate', [type(dtype)], [flat!.id, made[1], made[2]], 1)
      for (const gone of [...made, flat!.id, written!.id]) binding.deleteTensor(gone)
    },
    allocatorStatistics: () => [],
    clearAllocatorStatistics: () => undefined,
    heldBlocks: () => ({ inUse: 0, kept: 0, most: 0 }),
    loops: [],
    runLoop: () => {
      throw new Error('a stock binding has no loops')
    },
  }
}
