import type { Alloc, TraceEvent } from '../../trace/event.ts'
import { isAfterStep, isRetyped } from '../../trace/reading.ts'
import type { CachingAllocator } from './allocator.ts'
import type { Block } from './block.ts'
import { type AttentionKernel, SCRATCH, type ScratchTerm } from './scratch.ts'

/** Operations that run on the matrix library. */
const PRODUCTS: ReadonlySet<string> = new Set([
  'linear',
  'conv1d',
  'linear_4bit',
  'linear_8bit',
  'bmm',
  'fused_linear_cross_entropy',
])

/** An allocation or release as the allocator gets it. */
type Request =
  | { readonly kind: 'alloc'; readonly storage: number; readonly bytes: number; readonly event: Alloc }
  | { readonly kind: 'free'; readonly storage: number }
  /** Buffers of a kernel, taken and given back at once. */
  | { readonly kind: 'scratch'; readonly buffers: readonly number[]; readonly event: Alloc }
  /** A handle's first product. */
  | { readonly kind: 'workspace'; readonly event: Alloc }

/** What a training process asks of the allocator, part by part. */
export interface Requests {
  readonly load: readonly Request[]
  readonly first: readonly Request[]
  /** Every later step. */
  readonly steady: readonly Request[]
}

/** Where a request could not be met. */
export interface OutOfMemory {
  readonly phase: TraceEvent['phase']
  readonly scope: string
  readonly op: string
  readonly bytes: number
}

const TERMS: ReadonlyMap<string, ScratchTerm> = new Map(SCRATCH.map((t) => [t.op, t]))

/**
 * Turns a trace of a first step, with or without later ones, into requests: kernels' buffers come in behind their operation's
 * results, workspaces at the first product of the forward and of the backward. A trace whose later forward and backward were
 * left out as repeating has the first step's in their place.
 */
export function requestsOf(trace: readonly TraceEvent[]): Requests {
  const last = trace.at(-1)?.step ?? 0
  const whole = trace.some((e) => e.step === last && e.phase === 'forward')
  const isOptimizer = (e: TraceEvent): boolean => e.phase === 'optimizer' && !isAfterStep(e)
  const inStep = trace.filter((e) => e.phase !== 'static')
  const first = inStep.filter((e) => e.step === 0 || isAfterStep(e))
  const steady = inStep.filter((e) => !isRetyped(e) && (e.step === last || (!whole && !isOptimizer(e))) && !isState(e))
  return {
    load: read(trace.filter((e) => e.phase === 'static')),
    first: read(first, true),
    steady: read(steady),
  }
}

/** The optimizer's state is made once. */
const isState = (e: TraceEvent): boolean => e.action === 'alloc' && e.category === 'optimizer state'

function read(events: readonly TraceEvent[], workspaces = false): Request[] {
  const requests: Request[] = []
  const kernels = new Map<string, AttentionKernel>()
  const rows = new Map<string, number>()
  const missing = new Set(workspaces ? ['forward', 'backward'] : [])
  let results: Alloc[] = []
  /** The operation that is over has made all its results: its kernel runs. */
  const flush = (): void => {
    const event = results[0]
    const term = event && TERMS.get(event.op)
    if (event && term) {
      const work = { results, kernel: kernels.get(event.scope) ?? 'flash', rows: rows.get(event.scope) ?? 0 }
      const buffers = term.buffers(work).filter((n) => n > 0)
      if (buffers.length > 0) requests.push({ kind: 'scratch', buffers, event })
    }
    results = []
  }
  for (const e of events) {
    if (e.action === 'alloc') {
      if (e.device === 'host') continue
      if (results.length > 0 && (results[0]!.op !== e.op || results[0]!.scope !== e.scope)) flush()
      if (TERMS.has(e.op)) results.push(e)
      // Of the random-number state the kernels keep, FlashAttention's alone is unsigned.
      if (e.op === 'sdpa' && e.dtype !== 'float32' && e.axes.length <= 1)
        kernels.set(e.scope, e.dtype === 'uint64' ? 'flash' : 'efficient')
      if (e.op === 'embedding')
        rows.set(
          e.scope,
          e.axes.slice(0, -1).reduce((n, a) => n * a.size, 1),
        )
      if (e.bytes > 0) requests.push({ kind: 'alloc', storage: e.storage, bytes: e.bytes, event: e })
      if (missing.has(e.phase) && PRODUCTS.has(e.op.split(' ')[0]!)) {
        missing.delete(e.phase)
        requests.push({ kind: 'workspace', event: e })
      }
    } else if (e.action === 'free') {
      flush()
      requests.push({ kind: 'free', storage: e.storage })
    }
  }
  flush()
  return requests
}

/** One process on one allocator: what it holds by storage. */
export class Process {
  readonly allocator: CachingAllocator
  readonly #workspace: number
  readonly #blocks = new Map<number, Block>()

  /** @param workspace bytes of one of the matrix library's workspaces */
  constructor(allocator: CachingAllocator, workspace: number) {
    this.allocator = allocator
    this.#workspace = workspace
  }

  /** Meets requests in order; where one cannot be met it stops and says so. */
  run(requests: readonly Request[]): OutOfMemory | null {
    for (const r of requests) {
      if (r.kind === 'free') this.#free(r.storage)
      else if (r.kind === 'alloc') {
        const block = this.allocator.alloc(r.bytes)
        if (!block) return failed(r.event, r.bytes)
        this.#blocks.set(r.storage, block)
      } else if (r.kind === 'workspace') {
        if (!this.allocator.alloc(this.#workspace)) return failed(r.event, this.#workspace)
      } else {
        const missing = this.#pass(r.buffers)
        if (missing > 0) return failed(r.event, missing)
      }
    }
    return null
  }

  #free(storage: number): void {
    const block = this.#blocks.get(storage)
    if (!block) return
    this.allocator.free(block)
    this.#blocks.delete(storage)
  }

  /** Takes all buffers, then gives them back, the last first, as C++ does at the end of a function. Bytes that could not be had. */
  #pass(buffers: readonly number[]): number {
    const taken: Block[] = []
    for (const bytes of buffers) {
      const block = this.allocator.alloc(bytes)
      if (!block) return bytes
      taken.push(block)
    }
    for (const block of taken.reverse()) this.allocator.free(block)
    return 0
  }
}

const failed = ({ phase, scope, op }: Alloc, bytes: number): OutOfMemory => ({ phase, scope, op, bytes })
