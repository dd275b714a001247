import { bytesOnCuda } from '../../trace/cuda.ts'
import type { Alloc, TraceEvent } from '../../trace/event.ts'
import { isAfterStep, isRetyped } from '../../trace/reading.ts'
import { placeOf } from '../../trace/scope.ts'
import { type AttentionKernel, SCRATCH, type ScratchTerm } from './scratch.ts'

/** Operations that run on the matrix library. */
const PRODUCTS: ReadonlySet<string> = new Set([
  'linear',
  'conv1d',
  'linear_4bit',
  'linear_8bit',
  'bmm',
  'fused_linear_cross_entropy',
  'fused_lora',
])

const TERMS: ReadonlyMap<string, ScratchTerm> = new Map(SCRATCH.map((t) => [t.op, t]))

/** Operations whose results tell what a term asks for. */
const TELLING: ReadonlySet<string> = new Set(['sdpa', 'embedding', ...TERMS.keys()])

/** What a request asks for in place of bytes. */
export const FREE = 0
export const WORKSPACE = -1
/** And below: the buffers of that number. */
const SCRATCHES = -2
export const scratchOf = (bytes: number): number => SCRATCHES - bytes

/** Requests in order, in columns: a step has tens of thousands. */
export class RequestList {
  /** Bytes to allocate, or one of the marks above. */
  readonly bytes: number[] = []
  readonly storages: number[] = []
  /** The event that it comes from; where requests are those of more layers, that of one which was simulated. */
  readonly events: TraceEvent[] = []
  /** Where it is made. */
  readonly scopes: string[] = []
  readonly buffers: (readonly number[])[]

  constructor(buffers: (readonly number[])[] = []) {
    this.buffers = buffers
  }

  push(bytes: number, event: TraceEvent, storage = event.storage, scope = event.scope): void {
    this.bytes.push(bytes)
    this.storages.push(storage)
    this.events.push(event)
    this.scopes.push(scope)
  }

  /** Buffers of a kernel, taken and given back at once. */
  pushScratch(buffers: readonly number[], event: TraceEvent): void {
    this.push(SCRATCHES - this.buffers.length, event)
    this.buffers.push(buffers)
  }
}

/** Requests with their places in the trace that they were read from. */
export class ReadRequests extends RequestList {
  /** Index of the event at which the request was made; a kernel's buffers are asked for when the next operation begins. */
  readonly #at: number[] = []
  /** Index of the event that is read. */
  now = 0

  override push(bytes: number, event: TraceEvent): void {
    super.push(bytes, event)
    this.#at.push(this.now)
  }

  /** Buffers of a kernel, where the request is for these. */
  buffersAt(i: number): readonly number[] | null {
    const bytes = this.bytes[i]!
    return bytes <= SCRATCHES ? this.buffers[scratchOf(bytes)]! : null
  }

  /** Index of the first request that was made at an event or after it. */
  from(event: number): number {
    let [low, high] = [0, this.#at.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#at[middle]! < event) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Requests that are made so many times in turn, each time for other storages and in another layer. */
export interface Round {
  readonly requests: RequestList
  readonly times: number
  /** By request: what its storage's number and its layer's grow by from one time to the next. */
  readonly storageSteps: readonly number[]
  readonly layerSteps: readonly number[]
}

/** Where a request is made for the n-th time. */
export function scopeAt({ requests, layerSteps }: Round, i: number, time: number): string {
  const scope = requests.scopes[i]!
  const { pattern, layer } = placeOf(scope)
  return time === 0 || layer < 0 ? scope : pattern.at(layer + time * layerSteps[i]!)
}

/** What a training process asks of the allocator, part by part. */
interface Parts<T> {
  readonly load: T
  readonly first: T
  /** Every later step. */
  readonly steady: T
}
export type Requests = Parts<readonly Round[]>

/** The requests of a trace: `readRequests`, each of them made once. */
export function requestsOf(trace: readonly TraceEvent[]): Requests {
  const { load, first, steady } = readRequests(trace)
  return { load: [once(load)], first: [once(first)], steady: [once(steady)] }
}

/** Requests that are made once. */
export const once = (requests: RequestList): Round => ({ requests, times: 1, storageSteps: [], layerSteps: [] })

/**
 * Turns a trace of a first step, with or without later ones, into requests: kernels' buffers come in behind their operation's
 * results, workspaces at the first product of the forward and of the backward. A trace whose later forward and backward were
 * left out as repeating has the first step's in their place.
 */
export function readRequests(trace: readonly TraceEvent[]): Parts<ReadRequests> {
  const last = trace.at(-1)?.step ?? 0
  const whole = trace.some((e) => e.step === last && e.phase === 'forward')
  /** Storages that CUDA's allocator is not asked for. */
  const elsewhere = new Set<number>()
  const load = new Reader(elsewhere)
  const first = new Reader(elsewhere, ['forward', 'backward'])
  const steady = new Reader(elsewhere)
  for (let i = 0; i < trace.length; i++) {
    const e = trace[i]!
    if (e.action !== 'alloc' && e.action !== 'free') continue
    if (e.action === 'alloc' && bytesOnCuda(e) === 0) elsewhere.add(e.storage)
    if (e.phase === 'static') {
      load.take(e, i)
      continue
    }
    const after = isAfterStep(e)
    if (e.step === 0 || after) first.take(e, i)
    const again = e.step === last || (!whole && (e.phase !== 'optimizer' || after))
    if (again && !isRetyped(e) && !isState(e)) steady.take(e, i)
  }
  return { load: load.end(), first: first.end(), steady: steady.end() }
}

/** The optimizer's state is made once. */
const isState = (e: TraceEvent): boolean => e.action === 'alloc' && e.category === 'optimizer state'

/** Reads the events of one part. */
class Reader {
  readonly #list = new ReadRequests()
  readonly #elsewhere: ReadonlySet<number>
  readonly #missing: Set<string>
  readonly #kernels = new Map<string, AttentionKernel>()
  readonly #rows = new Map<string, number>()
  readonly #results: Alloc[] = []

  /**
   * @param elsewhere storages that are not in the device's memory
   * @param workspaces phases whose first product takes one
   */
  constructor(elsewhere: ReadonlySet<number>, workspaces: readonly string[] = []) {
    this.#elsewhere = elsewhere
    this.#missing = new Set(workspaces)
  }

  take(e: TraceEvent, at: number): void {
    this.#list.now = at
    const first = this.#results[0]
    if (first && (e.action === 'free' || first.op !== e.op || first.scope !== e.scope)) this.#flush()
    if (this.#elsewhere.has(e.storage)) return
    if (e.action === 'alloc') this.#alloc(e)
    else if (e.action === 'free') this.#list.push(FREE, e)
  }

  end(): ReadRequests {
    this.#flush()
    return this.#list
  }

  #alloc(e: Alloc): void {
    this.#list.push(bytesOnCuda(e), e)
    if (TELLING.has(e.op)) this.#note(e)
    if (this.#missing.size > 0 && this.#missing.has(e.phase) && PRODUCTS.has(e.op.split(' ')[0]!)) {
      this.#missing.delete(e.phase)
      this.#list.push(WORKSPACE, e)
    }
  }

  #note(e: Alloc): void {
    const { op, scope, axes } = e
    if (TERMS.has(op)) this.#results.push(e)
    // Of the random-number states that the kernels keep, FlashAttention's alone is unsigned.
    else if (op === 'sdpa') {
      if (e.dtype === 'uint64') this.#kernels.set(scope, 'flash')
      else if (e.dtype === 'int64') this.#kernels.set(scope, 'efficient')
    } else if (op === 'embedding')
      this.#rows.set(
        scope,
        axes.slice(0, -1).reduce((n, a) => n * a.size, 1),
      )
  }

  /** The operation that is over has made all its results: its kernel runs. */
  #flush(): void {
    const [event] = this.#results
    const term = event && TERMS.get(event.op)
    if (event && term) {
      const kernel = this.#kernels.get(event.scope) ?? 'flash'
      const rows = this.#rows.get(event.scope) ?? 0
      const buffers = term.buffers({ results: this.#results, kernel, rows }).filter((n) => n > 0)
      if (buffers.length > 0) this.#list.pushScratch(buffers, event)
    }
    this.#results.length = 0
  }
}
