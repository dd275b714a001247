import { type Issue, ModelError } from '../issue.ts'
import { headerLength, LENGTH_BYTES, readSafetensorsHeader } from './safetensors.ts'
import { bfloat16ToFloat32, float16ToFloat32 } from './widen.ts'

/** A tensor's numbers, row by row, in float32 whatever they were stored in. */
export interface TensorValues {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array
}

type Widen = (data: DataView, elements: number) => Float32Array

/** Types whose numbers are read; others are refused by name. */
const WIDEN: Readonly<Record<string, Widen>> = {
  F32: (data, n) => Float32Array.from({ length: n }, (_, i) => data.getFloat32(4 * i, true)),
  F16: (data, n) => Float32Array.from({ length: n }, (_, i) => float16ToFloat32(data.getUint16(2 * i, true))),
  BF16: (data, n) => Float32Array.from({ length: n }, (_, i) => bfloat16ToFloat32(data.getUint16(2 * i, true))),
}

/**
 * All floating tensors of a `.safetensors` file, with 16-bit numbers widened. Whole numbers and booleans, which only tables of
 * positions are, are left out.
 *
 * @throws ModelError for a broken file, and for a type that is no float32, float16 or bfloat16, all tensors together
 */
export function readSafetensors(file: Uint8Array, label: string): TensorValues[] {
  const length = headerLength(file, file.length, label)
  const tensors = readSafetensorsHeader(file.subarray(LENGTH_BYTES, LENGTH_BYTES + length), file.length, label)
  const issues: Issue[] = []
  const read = tensors.flatMap(({ name, dtype, shape, bytes, begin = 0 }) => {
    if (/^(?:[IU]\d+|BOOL)$/.test(dtype)) return []
    const widen = Object.hasOwn(WIDEN, dtype) ? WIDEN[dtype] : undefined
    if (widen === undefined) {
      const next = 'Convert the checkpoint to float32, float16 or bfloat16.'
      issues.push({
        code: 'unsupported',
        where: `${label} ${name}`,
        message: `is ${dtype}`,
        expected: 'F32, F16 or BF16',
        next,
      })
      return []
    }
    const data = new DataView(file.buffer, file.byteOffset + LENGTH_BYTES + length + begin, bytes)
    return [
      {
        name,
        shape,
        values: widen(
          data,
          shape.reduce((n, s) => n * s, 1),
        ),
      },
    ]
  })
  if (issues.length > 0) throw new ModelError(issues)
  return read
}

/** A `.safetensors` file of float32 tensors, in the order given (safetensors/src/tensor.rs, `prepare`: the header ends on eight bytes). */
export function writeSafetensors(tensors: readonly TensorValues[]): Uint8Array {
  let end = 0
  const entries = tensors.map(({ name, shape, values }) => {
    const begin = end
    end += 4 * values.length
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }] as const
  })
  const text = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) })
  const header = new TextEncoder().encode(text)
  const padded = Math.ceil(header.length / LENGTH_BYTES) * LENGTH_BYTES
  const file = new Uint8Array(LENGTH_BYTES + padded + end)
  const view = new DataView(file.buffer)
  view.setBigUint64(0, BigInt(padded), true)
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + padded)
  file.set(header, LENGTH_BYTES)
  let at = LENGTH_BYTES + padded
  for (const { values } of tensors) {
    for (const value of values) {
      view.setFloat32(at, value, true)
      at += 4
    }
  }
  return file
}
