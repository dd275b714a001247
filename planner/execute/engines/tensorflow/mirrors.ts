import type { Binding } from './binding.ts'

/** A tensor's numbers in this process's memory while kernels work on them. */
interface Mirror {
  readonly buffer: ArrayBuffer
  /** As they came from the device; null where the device has not had them yet. */
  readonly pristine: Uint8Array | null
}

/**
 * The binding over a device whose memory this process cannot reach. A view of a tensor is then a copy in the host's memory: fetched
 * when it is asked for, written back in place before an operation, a read or another handle's end needs the tensor, and only where it was
 * changed. No tensor is made on the device for it, so the device's bytes are those of an engine on the processor.
 */
export function mirrored(binding: Binding): Binding {
  const mirrors = new Map<number, Mirror>()

  /** Takes the mirror of a tensor off, its changes on the device. */
  const settle = (id: number): void => {
    const address = binding.tensorAddress(id)
    const mirror = mirrors.get(address)
    if (!mirror) return
    mirrors.delete(address)
    const bytes = new Uint8Array(mirror.buffer)
    if (mirror.pristine !== null && Buffer.compare(bytes, mirror.pristine) === 0) return
    binding.tensorWrite(id, bytes)
  }

  const mirror = (id: number, bytes: number, made: Mirror): ArrayBuffer => {
    if (made.buffer.byteLength !== bytes)
      throw new Error(`a tensor of ${bytes} bytes came as ${made.buffer.byteLength}`)
    mirrors.set(binding.tensorAddress(id), made)
    return made.buffer
  }

  return {
    ...binding,
    // the mirrors are the host's: a loop over the device's bytes would miss what stands in them
    loops: [],
    allocateTensor(shape, dtype, itemsize) {
      const id = binding.allocateTensor(shape, dtype, itemsize)
      const bytes = shape.reduce((n, s) => n * s, itemsize)
      if (bytes > 0) mirror(id, bytes, { buffer: new ArrayBuffer(bytes), pristine: null })
      return id
    },
    tensorView(id, bytes) {
      const known = mirrors.get(binding.tensorAddress(id))
      if (known) return known.buffer
      const fetched = binding.tensorDataSync(id)
      // the binding makes an array of its own for each read
      const buffer = fetched.buffer as ArrayBuffer
      return mirror(id, bytes, { buffer, pristine: new Uint8Array(buffer.slice(0)) })
    },
    tensorDataSync(id) {
      settle(id)
      return binding.tensorDataSync(id)
    },
    executeOp(name, attributes, inputs, outputs) {
      for (const id of inputs) settle(id)
      return binding.executeOp(name, attributes, inputs, outputs)
    },
    deleteTensor(id) {
      settle(id)
      binding.deleteTensor(id)
    },
  }
}
