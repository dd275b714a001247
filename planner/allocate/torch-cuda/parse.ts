import { Refusal } from '../../trace/errors.ts'
import { type AllocatorConfig, DEFAULT_CONFIG, DIVISION_INTERVALS } from './config.ts'

const MIB = 2 ** 20

type Changes = { -readonly [K in keyof AllocatorConfig]?: AllocatorConfig[K] }

/** What a value should have been. */
interface Wanted {
  readonly expected: string
}

/** One option: what its value becomes, or what was expected in its place. */
type Option = (value: string) => Changes | Wanted

const bool = (make: (on: boolean) => Changes): Option => {
  return (value) =>
    value === 'True' || value === 'False'
      ? make(value === 'True')
      : { expected: 'True or False, as Python writes them' }
}

const mebibytes = (least: number, make: (bytes: number) => Changes): Option => {
  const expected = `a whole number of at least ${least} (MiB)`
  return (value) => (/^\d+$/.test(value) && Number(value) >= least ? make(Number(value) * MIB) : { expected })
}

const share = (below: string, ok: (n: number) => boolean, make: (n: number) => Changes): Option => {
  return (value) =>
    /^\d*\.?\d+$/.test(value) && ok(Number(value)) ? make(Number(value)) : { expected: `a number ${below}` }
}

/** It is read and changes no block of device memory: pinned host memory, locks, CUDA graphs. */
const elsewhere: Option = () => ({})

const notModelled = (expected: string): Option => {
  return (value): Changes | Wanted =>
    value === expected ? {} : { expected: `${expected}: other values are not modelled` }
}

/** c10/core/AllocatorConfig.cpp and c10/cuda/CUDAAllocatorConfig.cpp of torch 2.13: all that they read. */
const OPTIONS: Readonly<Record<string, Option>> = {
  max_split_size_mb: mebibytes(20, (maxSplitSize) => ({ maxSplitSize })),
  max_non_split_rounding_mb: mebibytes(20, (maxNonSplitRounding) => ({ maxNonSplitRounding })),
  large_segment_size_mb: mebibytes(20, (largeSegmentSize) => ({ largeSegmentSize })),
  roundup_power2_divisions: divisions,
  garbage_collection_threshold: share(
    'between 0 and 1',
    (n) => n > 0 && n < 1,
    (garbageCollectionThreshold) => ({ garbageCollectionThreshold }),
  ),
  per_process_memory_fraction: share(
    'above 0, at most 1',
    (n) => n > 0 && n <= 1,
    (memoryFraction) => ({ memoryFraction }),
  ),
  expandable_segments: bool((expandableSegments) => ({ expandableSegments })),
  backend: notModelled('native'),
  throw_on_cudamalloc_oom: notModelled('False'),
  release_lock_on_cudamalloc: elsewhere,
  release_lock_on_hipmalloc: elsewhere,
  graph_capture_record_stream_reuse: elsewhere,
  pinned_use_cuda_host_register: elsewhere,
  pinned_use_hip_host_register: elsewhere,
  pinned_num_register_threads: elsewhere,
  pinned_use_background_threads: elsewhere,
  pinned_reserve_segment_size_mb: elsewhere,
  pinned_max_round_threshold_mb: elsewhere,
  pinned_max_cached_size_mb: elsewhere,
  pinned_free_catch_all: elsewhere,
}

/**
 * Reads `PYTORCH_CUDA_ALLOC_CONF` (`PYTORCH_ALLOC_CONF`): `key:value,key:[a:1,>:2]`.
 *
 * @throws Refusal for what PyTorch would not read, and for what is not modelled
 */
export function parseAllocatorConfig(text: string, where = '--alloc-conf'): AllocatorConfig {
  const changes: Changes = {}
  for (const part of split(text)) {
    const at = part.indexOf(':')
    const key = at < 0 ? part : part.slice(0, at)
    const option = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined
    if (!option) throw unknown(key, where)
    const value = at < 0 ? '' : part.slice(at + 1)
    const read = option(value)
    if ('expected' in read) {
      const message = `${key} is ${value === '' ? 'left empty' : JSON.stringify(value)}; expected ${read.expected}`
      throw new Refusal('bad-alloc-conf', where, message, `Write ${key}:VALUE, apart by commas.`)
    }
    Object.assign(changes, read)
  }
  return { ...DEFAULT_CONFIG, ...changes }
}

function unknown(key: string, where: string): Refusal {
  const message = key === '' ? 'has an empty option' : `${JSON.stringify(key)} is no option of PyTorch's allocator`
  return new Refusal('bad-alloc-conf', where, message, `Known: ${Object.keys(OPTIONS).join(', ')}.`)
}

/** Parts at commas outside brackets; spaces mean nothing. */
const split = (text: string): string[] =>
  text
    .replace(/\s/g, '')
    .replace(/,$/, '')
    .split(/,(?![^[]*\])/)
    .filter((part, i, all) => part !== '' || all.length > 1 || i > 0)

const isPowerOfTwo = (n: number): boolean => n > 0 && Number.isInteger(Math.log2(n))

/** One number for all sizes, or `[256:1,512:2,>:4]`: steps below and from each power of two in MiB on (parseRoundUpPower2Divisions). */
function divisions(value: string): Changes | Wanted {
  const expected = 'a power of two, or pairs such as [256:1,512:2,>:4] of powers of two'
  if (/^\d+$/.test(value)) {
    if (!isPowerOfTwo(Number(value))) return { expected }
    return { roundupDivisions: Array.from({ length: DIVISION_INTERVALS }, () => Number(value)) }
  }
  const inner = /^\[(.*)\]$/.exec(value)?.[1]
  if (inner === undefined) return { expected }
  const steps = Array.from({ length: DIVISION_INTERVALS }, () => 0)
  let last = 0
  for (const [i, pair] of inner.split(',').entries()) {
    const match = /^(>|\d+):(\d+)$/.exec(pair)
    const count = Number(match?.[2])
    if (!match || (count !== 0 && !isPowerOfTwo(count))) return { expected }
    if (match[1] === '>') {
      steps.fill(count, last)
      continue
    }
    const size = Number(match[1])
    if (!isPowerOfTwo(size)) return { expected }
    const index = Math.min(Math.log2(size), DIVISION_INTERVALS - 1)
    if (i === 0) steps.fill(count, 0, index)
    steps[index] = count
    last = index
  }
  return { roundupDivisions: steps }
}
