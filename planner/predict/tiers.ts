import type { ModelSpec } from '../../models/spec.ts'
import { type Overhead, overheadOf } from '../allocate/process.ts'
import {
  type AllocatorConfig,
  DEFAULT_CONFIG,
  type Requests,
  smallestCapacity,
  type Training,
  train as trainOn,
} from '../allocate/torch-cuda/index.ts'
import type { EstimateBody, Fit } from '../result/estimate.ts'
import type { TrainSpec } from '../training/spec.ts'
import { Runs } from './depths.ts'
import { type Gpu, predictFrom } from './estimate.ts'
import { peakOf } from './peak.ts'
import { requestsFor } from './requests.ts'
import type { Stack } from './stack.ts'

/** More than any device has: what a process takes if nothing stops it. */
const UNLIMITED = 2 ** 46

/**
 * Predicts a setting up to what the device shows: the step's requests are replayed on PyTorch's allocator, load, first step and
 * steady ones, and the process is what that reserved with what a context takes. All bytes are simulated but for the context's,
 * which are published. The verdict is that of the replay on the device's memory less the most that a context takes.
 *
 * A device whose allocator is another (Metal's) gets no reserved and no process, and the verdict of its live bytes.
 *
 * @throws Refusal for what is not modelled
 */
export function predictOnDevice(
  model: ModelSpec,
  train: TrainSpec,
  stack: Stack,
  gpu: Gpu | null,
  config: AllocatorConfig = DEFAULT_CONFIG,
): EstimateBody {
  const runs = new Runs(model, train, stack)
  const body = predictFrom(runs, gpu)
  if (gpu?.device?.vendor === 'apple') return { ...body, fit: fitOfLive(gpu, body.peak.bytes) }
  const replay = new Replay(requestsFor(runs), config, gpu)
  const { run, overhead } = replay
  const { workspaces_bytes, basis } = body.tiers.allocated ?? { workspaces_bytes: 0, basis: '' }
  const reserved = run.settledBytes
  return {
    ...body,
    tiers: {
      live: body.tiers.live,
      allocated: { bytes: run.allocatedBytes, workspaces_bytes, basis },
      reserved,
      process: {
        bytes: reserved + Math.round((overhead.low + overhead.high) / 2),
        low: reserved + overhead.low,
        high: reserved + overhead.high,
        basis: overhead.basis,
      },
      statistics: run.statistics,
    },
    fit: gpu && replay.fit(),
  }
}

/**
 * Whether every step succeeds on the device: `fit.fits` of `predictOnDevice`, without the search for what the setting needs.
 *
 * @throws Refusal for what is not modelled
 */
export function fitsOnDevice(
  model: ModelSpec,
  train: TrainSpec,
  stack: Stack,
  gpu: Gpu,
  config: AllocatorConfig = DEFAULT_CONFIG,
): boolean {
  if (gpu.device?.vendor === 'apple') return peakOf(model, train, stack).bytes <= gpu.bytes
  const requests = requestsFor(new Runs(model, train, stack))
  return trainOn(requests, allocatorRoom(gpu), config, gpu.device).outOfMemory === null
}

/** Bytes of a device that are left for the allocator if the context takes its most. */
export const allocatorRoom = (gpu: Gpu): number => Math.max(0, gpu.bytes - overheadOf(gpu.device).high)

/** The replays that a verdict rests on. */
class Replay {
  readonly overhead: Overhead
  /** As the process goes on the device, or with no limit where there is none or it does not succeed there. */
  readonly run: Training
  readonly #requests: Requests
  readonly #config: AllocatorConfig
  readonly #gpu: Gpu | null
  /** With no limit. */
  readonly #free: Training

  constructor(requests: Requests, config: AllocatorConfig, gpu: Gpu | null) {
    this.#requests = requests
    this.#config = config
    this.#gpu = gpu
    this.overhead = overheadOf(gpu?.device ?? null)
    this.#free = this.#on(UNLIMITED)
    const limited = gpu && this.#free.reservedBytes > this.#room('high') ? this.#on(this.#room('high')) : this.#free
    this.run = limited.outOfMemory ? this.#free : limited
  }

  /** @throws Error without a device */
  fit(): Fit {
    const gpu = this.#gpu!
    const capacity = smallestCapacity(this.#requests, this.#free, this.#config, gpu.device)
    const needs = capacity.bytes + this.overhead.high
    const here = this.#on(this.#room('high'))
    const fits = here.outOfMemory === null
    return {
      gpu: gpu.name,
      capacity_bytes: gpu.bytes,
      fits,
      margin_bytes: gpu.bytes - needs,
      verdict: fits ? this.#how(here) : this.#otherwise(),
      needs_bytes: needs,
      out_of_memory: here.outOfMemory,
    }
  }

  #on(capacity: number, config = this.#config): Training {
    return trainOn(this.#requests, capacity, config, this.#gpu?.device ?? null)
  }

  /** What is left for the allocator if the context takes its least or its most. */
  #room(end: 'low' | 'high'): number {
    return Math.max(0, (this.#gpu?.bytes ?? UNLIMITED) - this.overhead[end])
  }

  #how(here: Training): string {
    const retries = here.statistics.num_alloc_retries ?? 0
    if (retries === 0) return 'fits with what the allocator caches and the most that a context takes'
    return 'fits, but only by giving cached blocks back to the device and asking again, which is slow'
  }

  /** What would make it fit, cheapest first. */
  #otherwise(): string {
    const growing: AllocatorConfig = { ...this.#config, expandableSegments: true }
    if (!this.#config.expandableSegments && this.#on(this.#room('high'), growing).outOfMemory === null)
      return 'fits only with --alloc-conf expandable_segments:True'
    if (this.#on(this.#room('low')).outOfMemory === null)
      return 'fits only if the context takes little of what it may take'
    return 'does not fit'
  }
}

/** Metal's allocator is not modelled. */
export function fitOfLive(gpu: Gpu, bytes: number): Fit {
  const margin = gpu.bytes - bytes
  const verdict = margin >= 0 ? "live tensors fit; Metal's allocator is not modelled" : 'live tensors alone do not fit'
  return { gpu: gpu.name, capacity_bytes: gpu.bytes, fits: margin >= 0, margin_bytes: margin, verdict }
}
