import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isTelling, phaseOf, placeOf } from './frames.ts'
import type { Frame } from './snapshot.ts'

/** `file line name` a frame, as PyTorch records stacks by default: C++ and the interpreter's own frames among Python's. */
const stack = (...lines: string[]): Frame[] =>
  lines.map((l) => {
    const [filename = '', line, ...name] = l.split('|')
    return { filename, line: Number(line), name: name.join('|') }
  })

const ALLOCATOR = [
  '??|0|torch::unwind::unwind()',
  'memory_snapshot.cpp|0|torch::cuda::(anonymous namespace)::gather_with_cpp()',
  'CUDACachingAllocator.cpp|0|c10::cuda::CUDACachingAllocator::Native::DeviceCachingAllocator::malloc(signed char)',
  '|0|c10::cuda::CUDACachingAllocator::Native::NativeCachingAllocator::malloc(void**)',
  '??|0|at::detail::empty_cuda(c10::ArrayRef<long>)',
  'RegisterCUDA.cpp|0|at::(anonymous namespace)::create_out(c10::ArrayRef<long>)',
]
const FORWARD = stack(
  ...ALLOCATOR,
  '??|0|at::_ops::linear::call(at::Tensor const&)',
  'python_nn_functions.cpp|0|torch::autograd::THPVariable_linear(_object*)',
  '/src/python/Objects/call.c|240|_PyObject_MakeTpCall',
  '/env/site-packages/torch/nn/modules/linear.py|125|forward',
  '/build/Python/bytecodes.c|2706|_PyEval_EvalFrameDefault',
  '/env/site-packages/accelerate/hooks.py|166|new_forward',
  '/env/site-packages/transformers/models/llama/modeling_llama.py|240|forward',
  '/home/someone/train.py|23|<module>',
  './csu/libc-start.c|360|__libc_start_main_impl',
)
const BACKWARD = stack(
  ...ALLOCATOR,
  '??|0|at::_ops::sigmoid_backward::call(at::Tensor const&)',
  '??|0|torch::autograd::generated::SigmoidBackward0::apply(std::vector<at::Tensor>)',
  '|0|torch::autograd::Node::operator()(std::vector<at::Tensor>)',
  '??|0|torch::autograd::Engine::thread_main(std::shared_ptr<torch::autograd::GraphTask>)',
  'thread48.o|0|execute_native_thread_routine',
)

test("a stack's place is the innermost Python outside PyTorch, else the node that the engine runs, else the operation", () => {
  assert.is(placeOf(FORWARD)?.line, 240)
  assert.is(placeOf(BACKWARD)?.name, 'SigmoidBackward0')
  assert.is(placeOf(BACKWARD.filter((f) => !f.name.includes('generated')))?.name, 'sigmoid_backward')
  assert.is(placeOf([]), undefined)
})

test("the interpreter's frames and those without a file say nothing", () => {
  assert.equal(
    FORWARD.filter(isTelling).map((f) => f.line),
    [0, 0, 125, 166, 240, 23],
  )
})

test('phases: the engine, the optimizer, and a Function whose forward runs', () => {
  assert.is(phaseOf(FORWARD), 'forward')
  assert.is(phaseOf(BACKWARD), 'backward')
  assert.is(phaseOf(stack(...ALLOCATOR, '/env/site-packages/torch/optim/adamw.py|243|step')), 'optimizer')
  const applied = '/env/site-packages/torch/autograd/function.py|598|apply'
  assert.is(phaseOf([...stack(applied), ...FORWARD]), 'forward')
})

test.run()
