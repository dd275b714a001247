import type { Block } from './block.ts'

/** Cached blocks by size, then address: the first that is large enough is the best fit (BlockPool, BlockComparatorSize). */
export class Pool {
  readonly small: boolean
  readonly blocks: Block[] = []
  /** Stretches of expandable segments without pages, by address. */
  readonly unmapped: Block[] = []
  searches = 0

  constructor(small: boolean) {
    this.small = small
  }

  /** Index of the first cached block of at least so many bytes, at this address or after among equals. */
  lowerBound(size: number, address = 0): number {
    const { blocks } = this
    let from = 0
    let to = blocks.length
    while (from < to) {
      const middle = (from + to) >>> 1
      const b = blocks[middle]!
      if (b.size < size || (b.size === size && b.address < address)) from = middle + 1
      else to = middle
    }
    return from
  }

  insert(block: Block): void {
    block.cachedAt = this.searches
    this.blocks.splice(this.lowerBound(block.size, block.address), 0, block)
  }

  remove(block: Block): void {
    const at = this.lowerBound(block.size, block.address)
    if (this.blocks[at] !== block) throw new Error('a cached block is not where its size says')
    this.blocks.splice(at, 1)
  }

  insertUnmapped(block: Block): void {
    const after = this.unmapped.findIndex((b) => b.address > block.address)
    this.unmapped.splice(after < 0 ? this.unmapped.length : after, 0, block)
  }

  removeUnmapped(block: Block): void {
    this.unmapped.splice(this.unmapped.indexOf(block), 1)
  }
}
