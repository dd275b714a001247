/** One stored tensor. */
export interface StoredTensor {
  readonly name: string
  /** As the file calls it: `BF16`, `Q4_K`. */
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: number
  /** Where its bytes begin in the file's data; undefined of a format whose numbers are not read. */
  readonly begin?: number
}

/** What a checkpoint holds, from its header alone. */
export interface Weights {
  readonly tensors: number
  readonly parameters: number
  readonly bytes: number
  /** Parameters by stored type, most first. */
  readonly dtypes: Readonly<Record<string, number>>
}

/** Sums over tensors. A tensor that stands in several files is given once. */
export function weightsOf(tensors: readonly StoredTensor[]): Weights {
  const dtypes = new Map<string, number>()
  let [parameters, bytes] = [0, 0]
  for (const tensor of tensors) {
    const elements = tensor.shape.reduce((n, size) => n * size, 1)
    parameters += elements
    bytes += tensor.bytes
    dtypes.set(tensor.dtype, (dtypes.get(tensor.dtype) ?? 0) + elements)
  }
  const most = [...dtypes].sort(([, a], [, b]) => b - a)
  return { tensors: tensors.length, parameters, bytes, dtypes: Object.fromEntries(most) }
}
