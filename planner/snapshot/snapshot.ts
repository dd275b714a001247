/** One line of a stack; the innermost comes first. */
export interface Frame {
  readonly filename: string
  readonly line: number
  readonly name: string
}

/** A piece of a segment. Bytes. */
export interface Block {
  readonly address: number
  /** What the allocator gave: rounded up from what was asked for. */
  readonly size: number
  readonly requested: number
  /** `active_allocated`, `active_pending_free` (`active_awaiting_free` in the documentation) or `inactive`. */
  readonly state: string
  readonly frames: readonly Frame[]
  readonly scope: string
}

/** What one cudaMalloc returned, or an expandable segment. Bytes. */
export interface Segment {
  readonly device: number
  readonly address: number
  readonly total: number
  readonly stream: number
  readonly blocks: readonly Block[]
}

/** Something that the allocator did. `bytes` of `alloc` and of the frees are those that were asked for. */
export interface Entry {
  /** `alloc`, `free_requested`, `free_completed`, `segment_alloc`, `segment_free`, `segment_map`, `segment_unmap`, `oom`, `snapshot`. */
  readonly action: string
  /** 0 where the action has none. */
  readonly address: number
  readonly bytes: number
  readonly stream: number
  readonly frames: readonly Frame[]
  /** A text that `torch.cuda.memory._set_memory_metadata` attached, such as the path of the module that runs; else empty. */
  readonly scope: string
}

/** What tidemark wrote a snapshot of: a prediction for a stack, or a run on an engine. */
export interface Origin {
  readonly kind: 'predicted' | 'measured'
  readonly runtime: string
}

/** What `torch.cuda.memory._dump_snapshot` writes (torch/cuda/memory.py, _snapshot), as far as it is about memory. */
export interface Snapshot {
  readonly segments: readonly Segment[]
  /** What each device's allocator did, oldest first; empty where no history was recorded. */
  readonly traces: readonly (readonly Entry[])[]
  /** Where tidemark wrote it: of what. Null for PyTorch's own. */
  readonly origin: Origin | null
}
