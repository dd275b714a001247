import type { Allocator } from '../allocator.ts'
import { DEFAULT_CONFIG } from './config.ts'
import { roundSize } from './rounding.ts'
import { workspacesOf } from './workspaces.ts'

export { CachingAllocator } from './allocator.ts'
export type { Block as AllocatorBlock } from './block.ts'
export { type Capacity, smallestCapacity } from './capacity.ts'
export { type AllocatorConfig, DEFAULT_CONFIG } from './config.ts'
export { parseAllocatorConfig } from './parse.ts'
export type { OutOfMemory } from './process.ts'
export {
  FREE,
  once,
  type ReadRequests,
  RequestList,
  type Requests,
  type Round,
  readRequests,
  requestsOf,
  scopeAt,
} from './requests.ts'
export { SCRATCH, type ScratchTerm } from './scratch.ts'
export { Memory } from './segment.ts'
export { type Training, train } from './training.ts'

/** PyTorch's caching allocator, as far as it needs no history: blocks of 512 bytes, and the workspaces of cuBLAS. */
export const torchCuda: Allocator = {
  block: (bytes) => (bytes === 0 ? 0 : roundSize(bytes, DEFAULT_CONFIG)),
  workspaces(device) {
    const { bytes, handles, basis } = workspacesOf(device)
    return { bytes: handles * bytes, basis: `blocks of 512 bytes, ${basis}` }
  },
}
