import type { Device } from '../devices/index.ts'

/** What a device's allocator makes of requests, as far as it does not depend on their history. */
export interface Allocator {
  /** Bytes of the block that a storage of so many bytes is given; none for an empty one. */
  block(bytes: number): number
  /** Bytes that a library holds beside all tensors, and why; `device` where it is known. */
  workspaces(device: Device | null): { readonly bytes: number; readonly basis: string }
}
