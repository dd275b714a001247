import { statSync } from 'node:fs'
import { readJson } from '../../models/json.ts'
import { printable } from '../../models/source.ts'
import { parseAllocatorConfig } from '../../planner/allocate/torch-cuda/index.ts'
import { isNvidiaSmi, type MeasuredRun, nvidiaSmiPeak, type Total, trainerPeak } from '../../planner/inspect/index.ts'
import type { InspectAllocator, MeasuredSource } from '../../planner/result/inspect.ts'
import {
  devicesOf,
  importRun,
  isTelling,
  readSnapshot,
  replayOnDevice,
  replayUnder,
  type Snapshot,
  showFrame,
  unreplayable,
} from '../../planner/snapshot/index.ts'
import { parseBytes } from '../../planner/trace/bytes.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { UsageError } from '../errors.ts'
import { readFileBytes, readStandardBytes } from '../files/read.ts'
import { isTrace } from '../model/is-trace.ts'
import { parseTrace } from '../model/trace.ts'

/** As much as a snapshot is read. */
const MAX_BYTES = 2 ** 30
const BLOCK = 512
const MOST_FRAMES = 12

/** What a person measured: every allocation, or one total. */
export interface Measured {
  readonly source: MeasuredSource
  readonly measured: { readonly run: MeasuredRun } | { readonly total: Total }
  readonly warnings: readonly string[]
}

/** What is known of a source whatever it is. */
type Facts = Pick<MeasuredSource, 'kind' | 'path'> & Partial<MeasuredSource>

const sourceOf = (facts: Facts): MeasuredSource => ({ runtime: null, device: null, devices: [], events: 0, ...facts })

/**
 * Reads what was measured: a memory snapshot of PyTorch, a trace, a Trainer's metrics, a log of nvidia-smi, or a size with its unit.
 *
 * @throws UsageError with what it is instead, and where
 */
export async function readMeasured(path: string, allocConf = ''): Promise<Measured> {
  const figure = parseBytes(path)
  if (figure !== undefined)
    return {
      source: sourceOf({ kind: 'figure', path }),
      measured: { total: { tier: 'process', bytes: figure, basis: 'measured: as it was given' } },
      warnings: [],
    }
  if (/^\d+(\.\d+)?$/.test(path) && !statSync(path, { throwIfNoEntry: false })) {
    const next = `Write ${path}GiB (2^30), ${path}GB (10^9) or ${path}MiB.`
    throw new UsageError([{ where: path, message: 'is a size without a unit', next }])
  }
  const options = {
    limit: MAX_BYTES,
    what: 'a snapshot, a trace, metrics or a log, or a size such as 23.4GiB',
    flag: '',
  }
  const bytes = path === '-' ? await readStandardBytes(MAX_BYTES) : await readFileBytes(path, options)
  try {
    return readKnown(bytes, path, allocConf)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const where = error.where.startsWith(path) ? error.where : `${path}: ${error.where}`
    throw new UsageError([{ where, message: error.message, next: error.next }])
  }
}

function readKnown(bytes: Uint8Array, path: string, allocConf: string): Measured {
  const [first, second] = bytes
  if (first === 0x80) return fromSnapshot(readSnapshot(bytes), path, allocConf)
  if (first === 0x50 && second === 0x4b) throw other(path, 'is a zip file, as torch.save writes it')
  if (first === 0x1f && second === 0x8b) throw other(path, 'is compressed (gzip)')
  const text = textOf(bytes)
  if (text === null) throw other(path, 'is neither a pickle nor text')
  if (isTrace(text)) return fromTrace(text, path)
  if (isNvidiaSmi(text)) {
    const { total, owners } = nvidiaSmiPeak(text, path)
    const several = `the log has ${owners.length} devices or processes (${owners.join(', ')}): the largest is compared`
    const warnings = owners.length > 1 ? [several] : []
    return { source: sourceOf({ kind: 'nvidia-smi', path }), measured: { total }, warnings }
  }
  if (!/^\s*\{/.test(text)) throw other(path, `begins with "${printable(text.slice(0, 30))}"`)
  const { value } = readJson(text, path)
  if (schemaOf(value).startsWith('tidemark/')) throw other(path, `is a result of tidemark (${schemaOf(value)})`)
  return {
    source: sourceOf({ kind: 'trainer-metrics', path }),
    measured: { total: trainerPeak(value, path) },
    warnings: [],
  }
}

const other = (path: string, message: string): UsageError =>
  new UsageError([
    {
      where: path,
      message,
      next: 'Give the file of torch.cuda.memory._dump_snapshot, a trace, all_results.json, or a CSV log of nvidia-smi.',
    },
  ])

const schemaOf = (value: unknown): string =>
  value !== null && typeof value === 'object' && 'schema' in value ? printable(String(value.schema)) : ''

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function fromSnapshot(snapshot: Snapshot, path: string, allocConf: string): Measured {
  const devices = devicesOf(snapshot)
  const runs = devices.map((d) => importRun(snapshot, d))
  const largest = runs.reduce((a, b) => (b.reserved > a.reserved ? b : a), runs[0]!)
  if (largest === undefined)
    throw other(path, 'is a snapshot without segments and events: nothing was on a device when it was taken')
  const { events, device, recorded, phased, frames, blocks, reserved } = largest
  const framesOf = (storage: number): string[] =>
    (frames.get(storage) ?? []).filter(isTelling).slice(0, MOST_FRAMES).map(showFrame)
  const { origin } = snapshot
  const obstacle = unreplayable(snapshot, device)
  const replayable = origin === null && obstacle === null
  return {
    source: sourceOf({
      kind: 'torch-snapshot',
      path,
      device,
      devices,
      runtime: origin?.runtime ?? null,
      events: recorded ? events.length : 0,
    }),
    measured: {
      run: {
        events,
        phased,
        framesOf,
        blockOf: (storage, size) => blocks.get(storage) ?? Math.ceil(size / BLOCK) * BLOCK,
        reserved,
        allocator: replayable ? replayed(snapshot, device, allocConf) : null,
      },
    },
    warnings: [
      ...(origin?.kind === 'predicted'
        ? ['tidemark wrote this snapshot from a prediction: nothing in it was measured']
        : []),
      ...(devices.length > 1 ? [`the snapshot has devices ${devices.join(', ')}: device ${device} is compared`] : []),
      ...(recorded && obstacle !== null ? [`the allocator is not replayed on the run's requests: ${obstacle}`] : []),
      ...(recorded
        ? []
        : [
            'no history was recorded (torch.cuda.memory._record_memory_history): what lived when it was taken is compared, not the peak',
          ]),
    ],
  }
}

/** What most often takes away the memory that is reserved and not used. */
const USUAL = 'expandable_segments:True'

function replayed(snapshot: Snapshot, device: number, allocConf: string): InspectAllocator {
  const { requests, elsewhere, reservedPeak } = replayOnDevice(snapshot, device)
  return {
    requests,
    elsewhere,
    reserved_peak_bytes: reservedPeak,
    under: [...new Set([allocConf, USUAL])]
      .filter((conf) => conf !== '')
      .map((conf) => ({
        alloc_conf: conf,
        reserved_peak_bytes: replayUnder(snapshot, device, parseAllocatorConfig(conf)).reservedPeak,
      })),
  }
}

function fromTrace(text: string, path: string): Measured {
  const { runtime, kind, events } = parseTrace(text, path)
  return {
    source: sourceOf({ kind: 'tidemark-trace', path, runtime, events: events.length }),
    measured: { run: { events, phased: true, framesOf: () => [], blockOf: null, reserved: null, allocator: null } },
    warnings: kind === 'predicted' ? ['this trace is a prediction: nothing in it was measured'] : [],
  }
}
