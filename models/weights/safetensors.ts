import { type Issue, ModelError } from '../issue.ts'
import { readJson } from '../json.ts'
import { describeValue, type Source } from '../source.ts'
import type { StoredTensor } from './weights.ts'

/** Bytes of an element (safetensors/src/tensor.rs, `Dtype::bitsize`). */
const ITEM_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
  C64: 8,
}

/** Longest header read. The format allows 100 MB; a header has about a hundred bytes a tensor. */
export const MAX_HEADER_BYTES = 4 * 1024 * 1024
/** The length of the header stands in so many bytes. */
export const LENGTH_BYTES = 8
const MAX_REPORTED = 10

/**
 * The length of the header that the first eight bytes of a `.safetensors` file announce, checked before anything of that size is
 * read.
 *
 * @param start the first bytes of the file
 * @param size bytes of the whole file
 * @throws ModelError for a length that the file cannot hold, or beyond what is read
 */
export function headerLength(start: Uint8Array, size: number, label: string): number {
  if (start.length < LENGTH_BYTES) throw refused(label, `has ${size} bytes`, 'at least 8, the length of a header')
  const length = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getBigUint64(0, true)
  if (length > BigInt(Math.max(0, size - LENGTH_BYTES)))
    throw refused(label, `announces a header of ${length} bytes in a file of ${size}`, 'a header that the file holds')
  if (length > BigInt(MAX_HEADER_BYTES))
    throw refused(label, `announces a header of ${length} bytes`, `at most ${MAX_HEADER_BYTES}`)
  return Number(length)
}

/**
 * The tensors of a `.safetensors` file from its header (JSON: name → dtype, shape, data_offsets).
 *
 * @param header the bytes after the length
 * @param size bytes of the whole file
 * @throws ModelError with what is wrong: syntax, an unknown dtype, offsets that do not fit the shape or the file
 */
export function readSafetensorsHeader(header: Uint8Array, size: number, label: string): StoredTensor[] {
  const source = readJson(decode(header, label), label)
  const entries = objectOf(source.value)
  if (entries === undefined) throw refused(source.at([]), `is ${describeValue(source.value)}`, 'an object of tensors')
  const issues: Issue[] = []
  const data = size - LENGTH_BYTES - header.length
  const tensors: StoredTensor[] = []
  for (const [name, entry] of Object.entries(entries)) {
    if (name === '__metadata__' || issues.length >= MAX_REPORTED) continue
    const tensor = tensorOf(source, name, entry, data, issues)
    if (tensor !== undefined) tensors.push(tensor)
  }
  if (issues.length > 0) throw new ModelError(issues)
  return tensors
}

function tensorOf(
  source: Source,
  name: string,
  entry: unknown,
  data: number,
  issues: Issue[],
): StoredTensor | undefined {
  const wrong = (key: string, message: string, expected: string): undefined => {
    issues.push(issue(source.at(key === '' ? [name] : [name, key]), message, expected))
    return undefined
  }
  const fields = objectOf(entry)
  if (fields === undefined) return wrong('', `is ${describeValue(entry)}`, 'dtype, shape and data_offsets')
  const { dtype, shape, data_offsets: offsets } = fields
  const item = typeof dtype === 'string' && Object.hasOwn(ITEM_BYTES, dtype) ? ITEM_BYTES[dtype] : undefined
  if (item === undefined || typeof dtype !== 'string')
    return wrong('dtype', `is ${describeValue(dtype)}`, `one of ${Object.keys(ITEM_BYTES).join(', ')}`)
  if (!isSizes(shape)) return wrong('shape', `is ${describeValue(shape)}`, 'a list of whole numbers')
  const bytes = shape.reduce((n, s) => n * s, item)
  if (!isSizes(offsets) || offsets.length !== 2)
    return wrong('data_offsets', `is ${describeValue(offsets)}`, 'where the bytes begin and end')
  const [begin = 0, end = 0] = offsets
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes)
    return wrong('data_offsets', `spans ${end - begin} bytes`, `${bytes}, which the shape takes`)
  if (end > data) return wrong('data_offsets', `ends at ${end}`, `at most ${data}, where the file ends`)
  return { name, dtype, shape, bytes, begin }
}

/** Names of the files that a `model.safetensors.index.json` spreads the tensors over. @throws ModelError */
export function readSafetensorsIndex(text: string, label: string): string[] {
  const source = readJson(text, label)
  const map = objectOf(objectOf(source.value)?.weight_map)
  if (map === undefined)
    throw refused(source.at(['weight_map']), 'has no weight_map', 'an object of tensor names and files')
  const files = new Set<string>()
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string' || !/^[\w.-]+\.safetensors$/.test(file))
      throw refused(
        source.at(['weight_map', name]),
        `is ${describeValue(file)}`,
        'a .safetensors file beside the index',
      )
    files.add(file)
  }
  return [...files].sort()
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= 16 && value.every((n) => Number.isSafeInteger(n) && n >= 0)

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined

function decode(bytes: Uint8Array, label: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw refused(label, 'has a header that is not UTF-8', 'a JSON header in UTF-8')
  }
}

const issue = (where: string, message: string, expected: string): Issue => ({
  code: 'structure',
  where,
  message,
  expected,
  next: 'Is the file whole, and a .safetensors file?',
})

const refused = (where: string, message: string, expected: string): ModelError =>
  new ModelError([issue(where, message, expected)])
