/** Element types as PyTorch names them. */
export const DTYPES = [
  'float32',
  'bfloat16',
  'float16',
  'float64',
  'int64',
  'int32',
  'uint64',
  'uint8',
  'int8',
  'bool',
] as const
export type DType = (typeof DTYPES)[number]

/** Bytes of one element where the framework stores it densely. */
export const ITEMSIZE: Readonly<Record<DType, number>> = {
  float32: 4,
  bfloat16: 2,
  float16: 2,
  float64: 8,
  int64: 8,
  int32: 4,
  uint64: 8,
  uint8: 1,
  int8: 1,
  bool: 1,
}

const FLOATING: ReadonlySet<DType> = new Set(['float32', 'bfloat16', 'float16', 'float64'])

/** True for the types that can carry a gradient. */
export const isFloating = (dtype: DType): boolean => FLOATING.has(dtype)
