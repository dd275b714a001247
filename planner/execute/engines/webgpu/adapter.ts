import { EngineError } from '../../errors.ts'
import { type Gpu, type GpuAdapter, type GpuDevice, LIMITS } from './gpu.ts'

/** Set to 1, it lets a software adapter (lavapipe, SwiftShader) compute, which is for tests. */
export const SOFTWARE = 'TIDEMARK_WEBGPU_SOFTWARE'

/**
 * The fastest adapter.
 *
 * @throws EngineError where there is none, or where it computes in software and nobody asked for that
 */
export async function adapterOf(gpu: Gpu, env: NodeJS.ProcessEnv = process.env): Promise<GpuAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) {
    const next =
      'Install a Vulkan driver: the GPU vendor’s, or Mesa 25 or newer with libvulkan1; `vulkaninfo --summary` lists what is there.'
    throw new EngineError('engine-not-loaded', 'webgpu', 'WebGPU finds no adapter here', next)
  }
  if (isSoftware(adapter) && env[SOFTWARE] !== '1') {
    const message = `the only adapter computes in software (${adapter.info.description})`
    throw new EngineError('engine-not-loaded', 'webgpu', message, `Take wasm, which is faster, or set ${SOFTWARE}=1.`)
  }
  return adapter
}

/** Whether an adapter is a program on the processor. */
export function isSoftware({ info }: Pick<GpuAdapter, 'info'>): boolean {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`
  return info.isFallbackAdapter === true || /\bsoftware\b|llvmpipe|lavapipe|swiftshader|\bwarp\b/i.test(words)
}

/** A device with the adapter's own limits: WebGPU's defaults are lower. */
export const deviceOf = (adapter: GpuAdapter): Promise<GpuDevice> =>
  adapter.requestDevice({ requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])) })

/** WebGPU reports what went wrong by events, while the numbers that come back are stale: they are kept until somebody asks. */
export class Faults {
  #error: EngineError | null = null

  constructor(device: GpuDevice) {
    device.addEventListener('uncapturederror', ({ error }) => {
      this.#error ??= new EngineError(
        'engine-warning',
        'webgpu',
        error.message,
        'Its result is wrong: use another engine.',
      )
    })
    void device.lost.then(({ reason, message }) => {
      const lost = `the device is lost (${reason}): ${message}`
      this.#error ??= new EngineError('engine-warning', 'webgpu', lost, 'Run fewer layers or a smaller batch.')
    })
  }

  /** @throws EngineError with the first that was reported, from then on */
  check(): void {
    if (this.#error) throw this.#error
  }
}
