import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AllocationLog } from './allocation-log.ts'

let id = 0
const line = (text: string) =>
  `2026-11-25 03:08:46.9: I tensorflow/core/framework/log_memory.cc:34] __LOG_MEMORY__ ${text}`
const tensor = (kernel: string, bytes: number, allocator = 'cpu') =>
  line(
    `MemoryLogTensorAllocation { kernel_name: "${kernel}" tensor { dtype: DT_FLOAT allocation_description { requested_bytes: ${bytes} allocator_name: "${allocator}" allocation_id: ${++id} ptr: 1 } } }`,
  )
const raw = (bytes: number) =>
  line(
    `MemoryLogRawAllocation { step_id: -3 operation: "TF_AllocateTensor" num_bytes: ${bytes} ptr: 2 allocation_id: ${++id} allocator_name: "cpu" }`,
  )
// 2.21 has noise after the brace
const free = (which: number) =>
  line(`MemoryLogTensorDeallocation {goo.gle/x allocation_id: ${which} allocator_name: "cpu" }`)

/** A forward that keeps a product of 64 bytes, with 40 bytes of scratch inside it. */
function logOf(change: (lines: string[]) => string[] = (l) => l): AllocationLog {
  id = 0
  const lines = [
    raw(8),
    'tidemark-mark start cpu',
    'tidemark-mark phase 0 static',
    raw(100),
    'tidemark-mark phase 0 forward',
    tensor('MatMul', 64),
    tensor('MatMul', 40),
    free(4),
    'tidemark-mark op',
    tensor('Exp', 16),
    'tidemark-mark op',
    free(5),
    'tidemark-mark phase 0 backward',
    tensor('Exp', 4),
    'tidemark-mark op',
  ]
  const log = new AllocationLog()
  for (const l of change(lines)) log.line(l)
  log.close()
  return log
}

test("each phase's end, its peak with and without scratch, from what was there before", () => {
  assert.equal(logOf().stretches, [
    { step: 0, phase: 'forward', end: 164, peak: 204, tensors: 180 },
    { step: 0, phase: 'backward', end: 168, peak: 168, tensors: 168 },
  ])
})

test('scratch is what one operation takes and gives back, by its kernel', () => {
  assert.equal(logOf().scratch, [{ kernel: 'MatMul', count: 1, peak: 40 }])
})

test("a lost line shows in TensorFlow's own numbering", () => {
  assert.is(logOf().lost, 0)
  assert.is(logOf((lines) => lines.filter((l) => !l.includes('requested_bytes: 16'))).lost, 1)
})

test("another allocator's blocks are not the device's", () => {
  const log = logOf((lines) => [...lines.slice(0, 6), tensor('MatMul', 7, 'gpu_host_bfc'), ...lines.slice(6)])
  assert.is(log.stretches[0]!.peak, 204)
})

test('a second run in the same log changes nothing', () => {
  const log = logOf((lines) => [...lines, 'tidemark-mark phase 0 end', 'tidemark-mark start cpu', raw(1000)])
  assert.is(log.stretches.length, 2)
})

test("lines of its own are taken, and others are left to whoever shows a child's last words", () => {
  const log = new AllocationLog()
  assert.is(log.line('tidemark-mark op'), true)
  assert.is(log.line(raw(1)), true)
  assert.is(log.line('Segmentation fault'), false)
})

test.run()
