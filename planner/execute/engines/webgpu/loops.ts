import type { EngineType } from '../engine.ts'
import type { DeviceLoop, LoopNumbers } from '../loop.ts'
import { type GpuBuffer, type GpuDevice, type GpuPipeline, USAGE } from './gpu.ts'

/** A tensor's buffer and what its elements are. */
export interface Operand {
  readonly buffer: GpuBuffer
  readonly dtype: EngineType
}

const GROUP = 64

/** Runs loops over buffers as compute shaders, each compiled once for the types that it meets. */
export class Loops {
  readonly #device: GpuDevice
  readonly #pipelines = new Map<string, GpuPipeline>()

  constructor(device: GpuDevice) {
    this.#device = device
  }

  /** The numbers travel in a buffer of their own, which is no tensor and is gone when the call returns. */
  run(loop: DeviceLoop, operands: readonly Operand[], { count, whole = [], real = [] }: LoopNumbers): void {
    if (count === 0) return
    const { queue, limits } = this.#device
    const pipeline = this.#pipelineOf(loop, operands)
    const groups = Math.ceil(count / GROUP)
    const x = Math.min(groups, limits.maxComputeWorkgroupsPerDimension)
    const words = new Uint32Array(3 + whole.length + real.length)
    words.set([count, x * GROUP, whole.length, ...whole])
    new Float32Array(words.buffer, 4 * (3 + whole.length)).set(real)
    const told = this.#device.createBuffer({ size: words.byteLength, usage: USAGE.storage | USAGE.copyTarget })
    queue.writeBuffer(told, 0, words)
    const entries = [told, ...operands.map((o) => o.buffer)].map((buffer, binding) => ({
      binding,
      resource: { buffer },
    }))
    const encoder = this.#device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
    pass.dispatchWorkgroups(x, Math.ceil(groups / x))
    pass.end()
    queue.submit([encoder.finish()])
    told.destroy()
  }

  #pipelineOf(loop: DeviceLoop, operands: readonly Operand[]): GpuPipeline {
    const key = `${loop.name} ${operands.map((o) => o.dtype).join(' ')}`
    let pipeline = this.#pipelines.get(key)
    if (!pipeline) {
      const module = this.#device.createShaderModule({ code: sourceOf(loop, operands) })
      pipeline = this.#device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } })
      this.#pipelines.set(key, pipeline)
    }
    return pipeline
  }
}

/** The whole shader around a loop's body. */
function sourceOf({ body, written }: DeviceLoop, operands: readonly Operand[]): string {
  const buffers = operands.map(({ dtype }, i) => {
    const type = dtype === 'float32' ? 'f32' : 'i32'
    const access = i < written ? 'read_write' : 'read'
    return `alias T${i} = ${type};
      @group(0) @binding(${i + 1}) var<storage, ${access}> b${i}: array<${type}>;`
  })
  return `
    @group(0) @binding(0) var<storage, read> told: array<u32>;
    ${buffers.join('\n')}
    fn n(k: u32) -> u32 { return told[3u + k]; }
    fn r(k: u32) -> f32 { return bitcast<f32>(told[3u + told[2] + k]); }
    fn place(i: u32, at: u32, rank: u32) -> u32 {
      var rest = i;
      var found = 0u;
      for (var k = rank; k > 0u; k--) {
        let size = n(at + k - 1u);
        found += (rest % size) * n(at + rank + k - 1u);
        rest /= size;
      }
      return found;
    }
    fn rounded(x: f32, bfloat16: u32) -> f32 {
      if (bfloat16 == 0u) { return x; }
      let word = bitcast<u32>(x);
      return bitcast<f32>((word + 0x7fffu + ((word >> 16u) & 1u)) & 0xffff0000u);
    }
    @compute @workgroup_size(${GROUP})
    fn main(@builtin(global_invocation_id) at: vec3u) {
      let i = at.x + at.y * told[1];
      if (i >= told[0]) { return; }
      ${body}
    }`
}
