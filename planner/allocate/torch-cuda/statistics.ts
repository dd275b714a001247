/** One figure over time, in bytes or a count. */
export class Stat {
  current = 0
  peak = 0

  add(amount: number): void {
    this.current += amount
    if (this.current > this.peak) this.peak = this.current
  }
}

/** `all`, and of that what the small and the large pool have. */
class PooledStat {
  readonly all = new Stat()
  readonly small = new Stat()
  readonly large = new Stat()

  /** Written out: a step counts tens of thousands of times, and calls are what that costs. */
  add(small: boolean, amount: number): void {
    const { all } = this
    const part = small ? this.small : this.large
    all.current += amount
    part.current += amount
    if (all.current > all.peak) all.peak = all.current
    if (part.current > part.peak) part.peak = part.current
  }
}

/**
 * `torch.cuda.memory_stats()` by the names that it has there. With one stream a block is active exactly while it is allocated.
 */
export class Statistics {
  readonly allocation = new PooledStat()
  readonly segment = new PooledStat()
  readonly inactive_split = new PooledStat()
  readonly allocated_bytes = new PooledStat()
  readonly reserved_bytes = new PooledStat()
  readonly inactive_split_bytes = new PooledStat()
  readonly requested_bytes = new PooledStat()
  readonly oversize_allocations = new Stat()
  readonly oversize_segments = new Stat()
  num_alloc_retries = 0
  num_ooms = 0
  num_sync_all_streams = 0
  num_device_alloc = 0
  num_device_free = 0

  /** `allocated_bytes.all.peak` and so on, as PyTorch's dictionary has them. */
  entries(): Record<string, number> {
    const result: Record<string, number> = {}
    for (const [name, value] of Object.entries(this)) {
      if (typeof value === 'number') result[name] = value
      else if (value instanceof Stat) write(result, name, value)
      else if (value instanceof PooledStat) {
        write(result, `${name}.all`, value.all)
        write(result, `${name}.large_pool`, value.large)
        write(result, `${name}.small_pool`, value.small)
      }
    }
    for (const [name, as] of [
      ['allocation', 'active'],
      ['allocated_bytes', 'active_bytes'],
    ] as const) {
      const { all, large, small } = this[name]
      write(result, `${as}.all`, all)
      write(result, `${as}.large_pool`, large)
      write(result, `${as}.small_pool`, small)
    }
    return result
  }

  /** `torch.cuda.reset_peak_memory_stats()`: from here on peaks are counted anew. */
  resetPeaks(): void {
    for (const value of Object.values(this)) {
      const stats = value instanceof PooledStat ? [value.all, value.small, value.large] : [value]
      for (const s of stats) if (s instanceof Stat) s.peak = s.current
    }
  }
}

function write(into: Record<string, number>, name: string, { current, peak }: Stat): void {
  into[`${name}.current`] = current
  into[`${name}.peak`] = peak
}
