import type { Axes } from './axes.ts'
import type { DType } from './dtype.ts'

/** What the bytes are, in PyTorch's own words (torch/distributed/_tools/mem_tracker.py). */
export const CATEGORIES = [
  'parameter',
  'gradient',
  'optimizer state',
  'activation',
  'temporary',
  'buffer',
  'input',
  'other',
] as const
export type Category = (typeof CATEGORIES)[number]

export const PHASES = ['forward', 'backward', 'optimizer'] as const
export type Phase = (typeof PHASES)[number]

/** `static` comes before the first step: parameters, buffers, the batch. */
export type EventPhase = 'static' | Phase

/**
 * Where a storage lives. AdamW's step scalars and random-number states are on the host; a paged optimizer's state is in CUDA's managed
 * memory, which no allocator counts and whose pages move to the device while it has room.
 */
export const DEVICES = ['device', 'host', 'managed'] as const
export type Device = (typeof DEVICES)[number]

/** FSDP's streams: shards on their way to a gather, and what a reduction leaves. */
export const STREAMS = ['gather', 'reduce'] as const
export type Stream = (typeof STREAMS)[number]

interface Common {
  readonly seq: number
  readonly step: number
  readonly phase: EventPhase
  /** The path that `named_modules()` gives; the loss outside any module is `''`. */
  readonly scope: string
  readonly op: string
  readonly storage: number
  readonly bytes: number
}

/** A storage comes to life. */
export interface Alloc extends Common {
  readonly action: 'alloc'
  /** The shape it was allocated with, which its bytes come from. */
  readonly axes: Axes
  readonly dtype: DType
  readonly device: Device
  readonly category: Category
  /** The stream that it is allocated in, where that is none of the computation's: its blocks are no other stream's. */
  readonly stream?: Stream
}
/** A node of the graph keeps the storage for a derivative; the same storage may be saved by several nodes. */
export interface Save extends Common {
  readonly action: 'save'
  /** Which derivative asks for it: `dW`, `d other`, `softmax output`. */
  readonly why: string
  /** The shape of the tensor that was saved (a view's differs from its storage's). */
  readonly axes: Axes
  readonly dtype: DType
}
/** A node has run, or was dropped, and let go of what it saved. */
export interface Unsave extends Common {
  readonly action: 'unsave'
}
/** The bytes change their meaning: a temporary becomes a gradient, an activation that is saved. */
export interface Retag extends Common {
  readonly action: 'retag'
  readonly category: Category
}
/** An operation reads the storage. The auditor needs it: nothing may live past its last read unless saved or named. */
export interface Read extends Common {
  readonly action: 'read'
}
export interface Free extends Common {
  readonly action: 'free'
}
/** A name in the program (a local variable, an argument that a module call pins) begins or ends to hold the storage. */
export interface Bind extends Common {
  readonly action: 'bind' | 'unbind'
}
export type TraceEvent = Alloc | Save | Unsave | Retag | Read | Free | Bind

/** Where a runtime writes what happens to its storages. */
export type EventSink = (event: TraceEvent) => void
