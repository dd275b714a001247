import type { Phase } from '../trace/event.ts'
import type { Frame } from './snapshot.ts'

/** C++ and interpreter frames that every stack has and that say nothing (torch/cuda/_memory_viz.py, _frame_filter). */
const NOISE_NAMES =
  /unwind::unwind|CapturedTraceback::gather|gather_with_cpp|^_start|__libc_start_main|PyEval_|PyObject_|PyFunction_/
const NOISE_FILES = /core\/boxing|(^|\/)Register|\/Redispatch|Objects\/|cpython\/|pycore_|\?\?|\.(?:c|S|o)$|^$/

/** Python that allocates for others: the place is further out. */
const INNER = /(^|\/)torch\/|^<|accelerate\/(utils|hooks)/
const PYTHON = /\.py$/

/** What a stack without Python is about: the node that the engine runs, else the operation that was called. */
const NODE = /torch::autograd::generated::(\w+)::apply/
const OPERATION = /at::_ops::(\w+)::call/

const PHASE_FRAMES: readonly (readonly [Phase, RegExp])[] = [
  ['optimizer', /torch\/optim\/|bitsandbytes\/optim\/|lorafa\.py/],
  // torch/autograd/function.py runs a Function's forward as well
  ['backward', /torch\/autograd\/__init__\.py|torch::autograd::Engine|_engine_run_backward/],
]

export const isTelling = ({ filename, name }: Frame): boolean => !NOISE_NAMES.test(name) && !NOISE_FILES.test(filename)

/** `modeling_llama.py:240 forward`; the name alone where no line is known. */
export const showFrame = ({ filename, line, name }: Frame): string =>
  line === 0 ? name : `${filename.split('/').at(-1)}:${line} ${name}`

/**
 * The line of a stack that a person would look for: the innermost of Python outside PyTorch itself; where the engine's own thread asked, the
 * node that it ran; else the innermost that says anything. Undefined for a stack without frames, as allocations of the backward have them
 * that were recorded without C++ frames.
 */
export function placeOf(frames: readonly Frame[]): Frame | undefined {
  const asked = frames.find((f) => PYTHON.test(f.filename) && !INNER.test(f.filename))
  return asked ?? named(frames, NODE) ?? named(frames, OPERATION) ?? frames.find(isTelling)
}

function named(frames: readonly Frame[], pattern: RegExp): Frame | undefined {
  for (const { name } of frames) {
    const found = pattern.exec(name)?.[1]
    if (found !== undefined) return { filename: '', line: 0, name: found }
  }
  return undefined
}

/**
 * The phase that a stack belongs to, by whose code is in it; forward where neither the optimizer's nor the engine's is. The engine's own
 * thread runs no Python: without C++ frames its stacks are empty.
 */
export function phaseOf(frames: readonly Frame[]): Phase {
  if (frames.length === 0) return 'backward'
  const found = PHASE_FRAMES.find(([, sign]) => frames.some((f) => sign.test(f.filename) || sign.test(f.name)))
  return found?.[0] ?? 'forward'
}
