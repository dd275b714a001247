import { nearest } from '../models/nearest.ts'
import { printable } from '../models/source.ts'
import { parseBytes } from '../planner/trace/bytes.ts'
import { type Problem, UsageError } from './errors.ts'

const MIB = 2 ** 20

/**
 * Memory in MiB as the driver reports it: `memory.total` of `nvidia-smi --query-gpu=memory.total`. It is less than the gigabytes
 * on the box where the device keeps some for error correction or the firmware. Cards without ECC report the whole of it.
 */
export const GPU_MIB: Readonly<Record<string, number>> = {
  b200: 183_359,
  h200: 143_771,
  'h100-nvl': 95_830,
  h100: 81_559,
  'a100-80gb': 81_920,
  'a100-40gb': 40_960,
  l40s: 46_068,
  a40: 46_068,
  'rtx6000-ada': 49_140,
  a6000: 49_140,
  l4: 23_034,
  a10g: 23_028,
  a10: 23_028,
  'v100-32gb': 32_768,
  'v100-16gb': 16_384,
  t4: 15_360,
  rtx5090: 32_607,
  rtx4090: 24_564,
  rtx4080: 16_376,
  'rtx4060ti-16gb': 16_380,
  rtx3090: 24_576,
  'rtx3080-10gb': 10_240,
  'rtx3060-12gb': 12_288,
}

export interface Gpu {
  readonly name: string
  readonly bytes: number
}

const plain = (name: string): string => name.toLowerCase().replace(/nvidia|geforce|[^a-z0-9]/g, '')

/** A GPU by name, or a size with its unit. @throws UsageError for a bare number, an unknown or an ambiguous name */
export function resolveGpu(text: string, where = '--gpu'): Gpu {
  const bytes = parseBytes(text)
  if (bytes !== undefined && bytes > 0 && Number.isSafeInteger(bytes)) return { name: text.trim(), bytes }
  const names = Object.keys(GPU_MIB)
  const exact = names.filter((name) => plain(name) === plain(text))
  const found =
    exact.length > 0 ? exact : names.filter((name) => plain(text) !== '' && plain(name).startsWith(plain(text)))
  const [only] = found
  if (only !== undefined && found.length === 1) return { name: only, bytes: GPU_MIB[only]! * MIB }
  throw new UsageError([problem(text, where, found, names)])
}

function problem(text: string, where: string, found: readonly string[], names: readonly string[]): Problem {
  const said = `"${printable(text)}"`
  if (/^\s*[\d.]+\s*$/.test(text)) {
    const next = `Write ${text.trim()}GiB (2^30) or ${text.trim()}GB (10^9).`
    return { where, message: `is ${said}, a number without a unit`, next }
  }
  if (found.length > 1) return { where, message: `${said} is several GPUs`, next: `Say ${found.join(' or ')}.` }
  const near = nearest(text, names)
  const start = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Known: ${names.join(', ')}.`
  return { where, message: `${said} is no known GPU and no size`, next: `${start} A size such as 80GiB works for any.` }
}
