import { MARK } from '../execute/engines/tensorflow/marks.ts'
import type { Phase } from '../trace/event.ts'
import type { Stretch } from './framework.ts'

/** A kernel's own temporaries: allocated and released inside one operation. */
export interface Scratch {
  readonly kernel: string
  readonly count: number
  /** The most at one time, in one operation. */
  readonly peak: number
}

interface Block {
  readonly bytes: number
  readonly kernel: string
}

const EVENT = /__LOG_MEMORY__ MemoryLog(?:Tensor|Raw)(Allocation|Deallocation)\b/

/**
 * TensorFlow's allocation log, read line by line as it is written (tensorflow/core/framework/log_memory.cc, under
 * TF_CPP_VMODULE=log_memory=2). Between its lines stand the run's marks: `start ALLOCATOR`, `phase STEP PHASE`, `op` where an
 * operation has ended.
 */
export class AllocationLog {
  readonly stretches: (Stretch & { readonly tensors: number })[] = []
  readonly #blocks = new Map<number, Block>()
  readonly #scratch = new Map<string, { count: number; peak: number }>()
  /** Since the last operation ended. */
  #fresh = new Set<number>()
  #released = new Map<string, number>()
  #allocator: string | null = null
  #over = false
  #lastId = 0
  #lost = 0
  #inUse = 0
  #base = 0
  #peak = 0
  #tensors = 0
  #open: { step: number; phase: Phase } | null = null

  /** Takes a line; false where it is neither TensorFlow's nor a mark. */
  line(text: string): boolean {
    if (this.#over) return text.startsWith(MARK) || text.includes('__LOG_MEMORY__')
    if (text.startsWith(MARK)) {
      this.#mark(text.slice(MARK.length).trim().split(' '))
      return true
    }
    const kind = EVENT.exec(text)?.[1]
    if (kind === undefined) return text.includes('__LOG_MEMORY__')
    const id = numberOf(text, 'allocation_id')
    const allocator = textOf(text, 'allocator_name')
    if (this.#allocator !== null && allocator !== this.#allocator) return true
    if (kind === 'Allocation') this.#allocate(id, text)
    else this.#release(id)
    return true
  }

  /** Ends the last stretch. */
  close(): void {
    if (!this.#open) return
    const { step, phase } = this.#open
    this.stretches.push({
      step,
      phase,
      end: this.#inUse - this.#base,
      peak: this.#peak - this.#base,
      tensors: this.#tensors - this.#base,
    })
    this.#open = null
  }

  /** Kernels with temporaries of their own, the largest first. */
  get scratch(): Scratch[] {
    const found = [...this.#scratch].map(([kernel, { count, peak }]) => ({ kernel, count, peak }))
    return found.sort((a, b) => b.peak - a.peak)
  }

  /** Allocations whose lines did not arrive: TensorFlow numbers them one after the other. */
  get lost(): number {
    return this.#lost
  }

  #allocate(id: number, text: string): void {
    this.#lost += Math.max(0, id - this.#lastId - 1)
    this.#lastId = Math.max(this.#lastId, id)
    const bytes = numberOf(text, 'requested_bytes') || numberOf(text, 'num_bytes')
    const kernel = textOf(text, 'kernel_name')
    this.#blocks.set(id, { bytes, kernel })
    this.#inUse += bytes
    this.#peak = Math.max(this.#peak, this.#inUse)
    // without a kernel it was asked for between two operations, and is a tensor at once
    if (kernel === '') this.#tensors = Math.max(this.#tensors, this.#inUse)
    else this.#fresh.add(id)
  }

  #release(id: number): void {
    const block = this.#blocks.get(id)
    if (!block) return
    this.#blocks.delete(id)
    this.#inUse -= block.bytes
    if (this.#fresh.delete(id)) this.#released.set(block.kernel, (this.#released.get(block.kernel) ?? 0) + block.bytes)
  }

  #mark([what, ...rest]: string[]): void {
    if (what === 'op') this.#endOperation()
    else if (what === 'start') {
      // the run with one layer more writes into the same log
      this.#over = this.#allocator !== null
      this.#allocator ??= rest.join(' ')
      this.#base = this.#inUse
    } else if (what === 'phase') this.#begin(Number(rest[0]), rest[1] ?? '')
  }

  #endOperation(): void {
    for (const [kernel, bytes] of this.#released) {
      const known = this.#scratch.get(kernel)
      this.#scratch.set(kernel, { count: (known?.count ?? 0) + 1, peak: Math.max(known?.peak ?? 0, bytes) })
    }
    this.#fresh.clear()
    this.#released.clear()
    this.#tensors = Math.max(this.#tensors, this.#inUse)
  }

  #begin(step: number, phase: string): void {
    this.close()
    this.#peak = this.#inUse
    this.#tensors = this.#inUse
    if (phase === 'forward' || phase === 'backward' || phase === 'optimizer') this.#open = { step, phase }
  }
}

/** Zero where the field is not there: TensorFlow leaves zeros out. */
const numberOf = (text: string, field: string): number => Number(new RegExp(`\\b${field}: (\\d+)`).exec(text)?.[1] ?? 0)
const textOf = (text: string, field: string): string => new RegExp(`\\b${field}: "([^"]*)"`).exec(text)?.[1] ?? ''
