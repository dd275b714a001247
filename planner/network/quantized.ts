import type { Parameter } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'

/** Weights of one scale (bitsandbytes/functional.py, quantize_4bit: blocksize 64). */
const BLOCK = 64
/** Scales of one scale of scales (quantize_blockwise: blocksize 256). */
const NESTED_BLOCK = 256

/** A weight packed in 4-bit NormalFloat. */
export interface Quantized4 {
  readonly bits: 4
  /** What the kernel computes in. */
  readonly compute: DType
  readonly input: Axis
  readonly output: Axis
  readonly blocks: Axis
  readonly nested: boolean
}

/** A weight in 8 bits, as LLM.int8() has it. */
export interface Quantized8 {
  readonly bits: 8
}

export type Quantized = Quantized4 | Quantized8

/** Declares one tensor of the quantization state. */
export type MakeState = (name: string, size: Axis, dtype: DType) => Parameter

/**
 * The state beside a packed weight `[out, in]` (bitsandbytes/functional.py, QuantState): a scale a block and the table of 16
 * values; nested, the scales are bytes with scales and a table of 256 of their own, and their mean.
 */
export function quantizedState(
  input: Axis,
  output: Axis,
  compute: DType,
  nested: boolean,
  make: MakeState,
): Quantized4 {
  const blocks = axis('n/64', Math.ceil((input.size * output.size) / BLOCK))
  make('absmax', blocks, nested ? 'uint8' : 'float32')
  make('quant_map', axis('16', 16), 'float32')
  if (nested) {
    make('nested_absmax', axis('n/16384', Math.ceil(blocks.size / NESTED_BLOCK)), 'float32')
    make('nested_quant_map', axis('256', 256), 'float32')
    make('offset', axis('1', 1), 'float32')
  }
  return { bits: 4, compute, input, output, blocks, nested }
}

/** Bytes that hold the weight: two values each. */
export const packed = (input: Axis, output: Axis): Axis => axis('n/2', Math.ceil((input.size * output.size) / 2))

/** The state beside an 8-bit weight `[out, in]` (bitsandbytes/nn/modules.py, Int8Params): a scale a row. */
export function rowScales(output: Axis, make: MakeState): Quantized8 {
  make('SCB', output, 'float32')
  return { bits: 8 }
}
