import { CONTEXT_SOURCES } from '../allocate/process.ts'
import { SCRATCH } from '../allocate/torch-cuda/index.ts'
import { table } from './markdown.ts'

/** docs/allocators.md: the tiers beyond live bytes, and where each term is from. */
export function allocatorsPage(): string {
  const scratch = SCRATCH.map((t) => [`\`${t.op}\``, t.name, t.source])
  const contexts = CONTEXT_SOURCES.map((c) => [c.of, `${c.low} to ${c.high}`, c.sources.join('; ')])
  return `# From live bytes to what the GPU says

\`npm run pages\` writes this page; a test holds it.

| tier      | is                                                                                        | comes from |
| --------- | ----------------------------------------------------------------------------------------- | ---------- |
| live      | bytes of the tensors that exist                                                           | simulated: the step, tensor by tensor |
| allocated | bytes of the blocks that they were given, of kernels' scratch and of cuBLAS's workspaces  | simulated: PyTorch's allocator, replayed |
| reserved  | bytes that the allocator has taken from the device and keeps                              | the same replay, once training has settled |
| process   | what the driver shows: reserved, and the CUDA context with its modules                    | a replay, and published figures with a low and a high end |

\`estimate\` prints all four, \`compare\` with \`--gpu\`. \`--alloc-conf\` takes what \`PYTORCH_CUDA_ALLOC_CONF\` takes; what PyTorch would not read is
refused, and so is what is not modelled (\`backend:cudaMallocAsync\`). Metal has another allocator: an Apple device gets the verdict of live bytes.

## The allocator

\`planner/allocate/torch-cuda/\` is c10/cuda/CUDACachingAllocator.cpp for one device, with a pool a stream: rounding to 512 bytes or to
\`roundup_power2_divisions\`, a pool for requests up to 1 MiB and one for larger ones, segments of 2 MiB, of 20 MiB (\`large_segment_size_mb\`)
for requests below 10 MiB, else of their own size in pages of 2 MiB; best fit, splitting, \`max_split_size_mb\`,
\`garbage_collection_threshold\`, \`expandable_segments\`; and when the device is full: oversize blocks given back, then every cached segment,
then \`OutOfMemoryError\`.

**It was held against PyTorch's own allocator without a GPU.** \`libc10_cuda.so\` out of torch 2.13's wheel runs on a CUDA runtime that only counts
(\`fixtures/record/allocator\`). On 40 random programs under ten settings, each with its retries and its ends of memory, every block lies at the
same address and every statistic is equal (\`fixtures/allocator\`).

**And against GPUs.** Seventeen memory snapshots that people recorded on theirs and published (five repositories; training loops and single
layers, up to 62.8 GB reserved, some begun on a used device, some with \`empty_cache\` between) were replayed on their own requests, new segments where
the device put them: each of 46 559 blocks had the address that it had on the GPU, and as much was reserved. That was done once;
\`fixtures/snapshot/published\` keeps five of them, without stacks, and the test holds the same of those. \`inspect\` does the same with any snapshot that has a history, and
says what other options of the allocator would have reserved.

What a replay is of: the model's tensors in the order of \`named_parameters()\`, the first step, then steady steps until one asks the device for
nothing more. Where a real process differs: weights that are quantized as they are loaded pass through 16 bits first; transformers
may warm the allocator up; addresses that \`cudaMalloc\` hands out need not grow, which decides between blocks of equal size.

Two sizes are CUDA's own and not the trace's, which is held against steps recorded on a CPU: layer_norm's mean and rstd are float32 there whatever the
type of its input, and a fused AdamW's step counts, 512 bytes each as blocks go, lie on the device.

## Scratch

What kernels ask the allocator for inside an operation and give back at its end. No tensor shows it, so it is in no trace; it counts
from the tier of allocated bytes up.

${table(['operation', 'bytes', 'source'], scratch)}

Not counted, since they are small or depend on numbers: partial results of FlashAttention's forward where few heads and rows leave the GPU idle
(\`num_splits\`), of reductions over more than one block, sorts' own temporaries. Fused and foreach optimizers take none beside the temporaries
that are in the trace.

Workspaces: one for the handle of the forward's thread and one for the backward's, taken at their first product and kept
(aten/src/ATen/cuda/CublasHandlePool.cpp): 8.125 MiB each, 32 MiB on Hopper and later; on ROCm 32 MiB, 128 MiB on gfx942 and gfx950. cuBLASLt
shares them.

## The process

MiB of a context right after it was made, with modules of kernels loaded when they are first used (CUDA 11.7 and later):

${table(['on', 'MiB', 'published in'], contexts, [1])}

Modules that a step loads as it goes come on top: a serving process on an H100 had 164 MiB of them
(github.com/vllm-project/vllm/pull/12126); up to 512 MiB are taken for a training step, which is a guess. For a full process on an A100 the
published figures leave at most 957 MiB beyond what torch had allocated (\`fixtures/published\`: 70 035 MiB shown, 69 078 MiB allocated).

On stock rows of [accuracy.md](accuracy.md) nvidia-smi showed 0.9 to 3.7 GiB more than is reserved here, on those with liger's loss up to 1.2 GiB.
A context explains 0.3 to 0.9 of it. The rest is not attributed: blocks that the real process cached and the replay did not, libraries
of other packages (bitsandbytes, flash-attn).

## The verdict

\`--gpu\` asks whether the step succeeds on the simulated allocator with the device's memory less the most that a context takes.
\`needs_bytes\` is the smallest memory with which it does, found by bisection in pages of 2 MiB, and that most of the context. More memory is not bound
to be better, since blocks then lie elsewhere: larger capacities are tried as well, and where one fails the search goes on above it.
Where a step does not fit, the same replay with \`expandable_segments:True\`, then the low end of the context, tell what it would fit with.
`
}
