import type { Operation } from '../../autograd/operation.ts'
import type { Axes } from '../../trace/axes.ts'
import type { Derivative } from '../derivative.ts'
import type { Simulator } from '../simulator.ts'
import type { View } from '../storage.ts'
import { contiguousStrides } from '../strides.ts'

/**
 * derivatives.yaml, topk: value_selecting_reduction_backward_symint writes the gradient into zeros at the places that were picked
 * (aten/src/ATen/native/ReduceOps.cpp). The places have no gradient.
 */
export const topk = (s: Simulator): Operation<View, 'topk'> => ({
  forward(call) {
    const { axes, dtype } = call.inputs[0]!
    const picked: Axes = [...axes.slice(0, -1), call.attributes.largest]
    const values = s.alloc(picked, dtype)
    const places = s.alloc(picked, s.dialect.integer)
    if (call.needs(0)) call.save('indices', places, 'd self by the places')
    return [values, places]
  },
  backward: ({ inputs, grads }) => [s.alloc(inputs[0]!.axes, grads[0]!.dtype)],
})

/**
 * derivatives.yaml, div.Tensor, in place: `self` is overwritten, so a copy of it is kept where the divisor wants a gradient
 * (tools/autograd/gen_variable_type.py, original_self).
 */
export const divInPlace = (s: Simulator): Operation<View, 'div_'> => ({
  forward(call) {
    const [self, other] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(0) || call.needs(1)) call.save('other', other, 'd self')
    if (call.needs(1)) {
      const before = s.alloc(self.axes, self.dtype, self.data.strides)
      try {
        call.save('self', before, 'd other')
      } finally {
        s.release(before)
      }
    }
    return [s.alias(self)]
  },
  backward(call) {
    const { axes, dtype } = call.grads[0]!
    const forOther = () => {
      const once = s.alloc(axes, dtype)
      const twice = s.alloc(axes, dtype)
      const negative = s.alloc(axes, dtype)
      const made = s.alloc(axes, dtype)
      for (const t of [negative, twice, once]) s.release(t)
      return made
    }
    const other = call.needs(1) ? forOther() : null
    return [call.needs(0) ? s.alloc(axes, dtype) : null, other]
  },
})

/** Whole numbers have no gradient. CUDA's scratch for sorting is the kernel's own. */
export const sort = (s: Simulator): Operation<View, 'sort'> => ({
  forward: ({ inputs }) => [s.alloc(inputs[0]!.axes, s.dialect.integer), s.alloc(inputs[0]!.axes, s.dialect.integer)],
  backward: () => [null],
})

export const floorDivide: Derivative<'floor_divide'> = {
  op: 'floor_divide',
  source: 'derivatives.yaml has no rule for floor_divide: whole numbers have no gradient',
  results: ({ inputs }) => ({ result: { axes: inputs[0]!.axes, dtype: inputs[0]!.dtype } }),
  saves: [],
  gradients: [],
}

export const index: Derivative<'index'> = {
  op: 'index',
  source:
    'derivatives.yaml, index.Tensor: index_backward(grad.new_zeros(self.sizes()), indices, grad), into which the gradient is written',
  results: (call) => {
    const [self, indices] = [call.inputs[0]!, call.inputs[1]!]
    return { result: { axes: [...indices.axes, ...self.axes.slice(1)], dtype: self.dtype } }
  },
  saves: [{ tensor: 'indices', for: ['self'], why: 'd self by the indices' }],
  gradients: [{ of: 'self', make: ['@=self'] }],
}

export const histc: Derivative<'histc'> = {
  op: 'histc',
  source:
    'derivatives.yaml, histc: not differentiable; of whole numbers on CUDA (aten/src/ATen/native/cuda/SummaryOps.cu)',
  results: ({ inputs, attributes }) => ({ result: { axes: [attributes.bins], dtype: inputs[0]!.dtype } }),
  saves: [],
  gradients: [],
}

export const cumsum: Derivative<'cumsum'> = {
  op: 'cumsum',
  source: 'derivatives.yaml, cumsum: of whole numbers, which have no gradient',
  results: ({ inputs }) => ({ result: { axes: inputs[0]!.axes, dtype: inputs[0]!.dtype } }),
  saves: [],
  gradients: [],
}

/** `inverse = torch.empty_like(perm); inverse[perm] = torch.arange(…)`, written in place. */
export const inversePermutation = (s: Simulator): Operation<View, 'inverse_permutation'> => ({
  forward({ inputs }) {
    const { axes, dtype } = inputs[0]!
    const inverse = s.alloc(axes, dtype)
    s.release(s.alloc(axes, dtype))
    return [inverse]
  },
  backward: () => [null],
})

/**
 * derivatives.yaml, _grouped_mm: mat2 by self, self by mat2; `offs` for both. The gradient of a matrix whose columns lie one after the
 * other, as a turned weight's do, is made turned as well (FunctionsManual.cpp, _grouped_mm_mat2_backward), so that the weight's own is
 * row by row.
 */
export const groupedMm = (s: Simulator): Operation<View, 'grouped_mm'> => ({
  forward(call) {
    const [self, mat2, offs] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!]
    if (call.needs(0)) call.save('mat2', mat2, 'dX')
    if (call.needs(0) || call.needs(1)) call.save('offs', offs, 'where groups end')
    if (call.needs(1)) call.save('self', self, 'dW')
    return call.kernel(() => [s.alloc([self.axes[0]!, mat2.axes[2]!], self.dtype)])
  },
  backward(call) {
    const [self, mat2] = [call.inputs[0]!, call.inputs[1]!]
    const [groups, n, m] = [mat2.axes[0]!, mat2.axes[1]!, mat2.axes[2]!]
    const turned = (): readonly number[] => {
      const [group, row, column] = contiguousStrides([groups, m, n])
      return [group!, column!, row!]
    }
    const ofMatrices = call.needs(1) ? s.asView(s.alloc(mat2.axes, mat2.dtype, turned())) : null
    return [call.needs(0) ? s.alloc(self.axes, self.dtype) : null, ofMatrices, null]
  },
})
