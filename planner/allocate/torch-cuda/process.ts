import type { TraceEvent } from '../../trace/event.ts'
import type { CachingAllocator } from './allocator.ts'
import type { Block } from './block.ts'
import { FREE, type Round, scopeAt, scratchOf, WORKSPACE } from './requests.ts'

/** Where a request could not be met. */
export interface OutOfMemory {
  readonly phase: TraceEvent['phase']
  readonly scope: string
  readonly op: string
  readonly bytes: number
}

/** One process on one allocator: what it holds by storage. */
export class Process {
  readonly allocator: CachingAllocator
  readonly #workspace: number
  readonly #blocks: (Block | undefined)[] = []

  /** @param workspace bytes of one of the matrix library's workspaces */
  constructor(allocator: CachingAllocator, workspace: number) {
    this.allocator = allocator
    this.#workspace = workspace
  }

  /** Meets requests in order; where one cannot be met it stops and says so. */
  run(rounds: readonly Round[]): OutOfMemory | null {
    for (const round of rounds) {
      for (let time = 0; time < round.times; time++) {
        const failed = this.#meet(round, time)
        if (failed) return failed
      }
    }
    return null
  }

  #meet(round: Round, time: number): OutOfMemory | null {
    const { bytes: wanted, storages, events, buffers } = round.requests
    for (let i = 0; i < wanted.length; i++) {
      const bytes = wanted[i]!
      const storage = time === 0 ? storages[i]! : storages[i]! + time * round.storageSteps[i]!
      let missing = 0
      if (bytes > 0) {
        const event = events[i]!
        const block = this.allocator.alloc(bytes, event.action === 'alloc' ? event.stream : undefined)
        if (block) this.#blocks[storage] = block
        else missing = bytes
      } else if (bytes === FREE) {
        const block = this.#blocks[storage]
        if (block) this.allocator.free(block)
        this.#blocks[storage] = undefined
      } else if (bytes === WORKSPACE) {
        if (!this.allocator.alloc(this.#workspace)) missing = this.#workspace
      } else missing = this.#pass(buffers[scratchOf(bytes)]!)
      if (missing > 0)
        return { phase: events[i]!.phase, scope: scopeAt(round, i, time), op: events[i]!.op, bytes: missing }
    }
    return null
  }

  /** Takes all buffers, then gives them back, the last first, as C++ does at the end of a function. Bytes that could not be had. */
  #pass(buffers: readonly number[]): number {
    const taken: Block[] = []
    let missing = 0
    for (const bytes of buffers) {
      const block = this.allocator.alloc(bytes)
      if (block) taken.push(block)
      else {
        missing = bytes
        break
      }
    }
    for (const block of taken.reverse()) this.allocator.free(block)
    return missing
  }
}
