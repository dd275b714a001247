import type { Meta } from '../autograd/node.ts'
import type { Backward, Forward, Operation } from '../autograd/operation.ts'
import { type AttributesOf, INPUTS, type OpName } from '../ops/attributes.ts'
import type { Script } from './dialect.ts'
import { shapeOf, stepsOf } from './script.ts'
import { metaOf, type Simulator } from './simulator.ts'
import type { SimTensor, View } from './storage.ts'

/** One saved tensor: which one, for the gradients of which inputs (any of them wanting one is enough), and why. */
export interface SaveRule {
  readonly tensor: string
  readonly for: readonly string[]
  readonly why: string
}

/** What the forward makes. Strides are given where they are not row by row. */
export interface Result extends Meta {
  readonly strides?: readonly number[]
}

/**
 * What one operation keeps and makes, stated from the framework's source. The mechanism is `simulateKernel`.
 */
export interface Derivative<N extends OpName> {
  readonly op: N
  /** Where the rule stands in the framework. */
  readonly source: string
  /** Shapes of the results, `result` first; a further one (a mask) may be saved under its name. */
  results(call: Forward<View, N>, simulator: Simulator): Readonly<Record<string, Result>>
  readonly saves: readonly SaveRule[]
  /**
   * Gradients in the order in which they are made, and the script of each: the generated code goes by the inputs' names in
   * alphabetical order. Default script: one new tensor shaped like the incoming gradient.
   */
  gradients(attributes: AttributesOf<N>, inputs: readonly (Meta | null)[]): readonly GradientRule[]
}

export interface GradientRule {
  readonly of: string
  readonly make?: Script | 'pass'
  /** The gradient is a view of what the kernel wrote (`mm(…).t()`), so the engine does not add into it. */
  readonly view?: true
}

const LIKE_GRAD: Script = ['@=grad']

const inputName = (op: OpName, i: number): string => INPUTS[op][i]?.replace('?', '') ?? `${i}`

/** An operation from its derivative: saves by the rules, allocations by the scripts of the dialect. */
export function simulateKernel<N extends OpName>(rule: Derivative<N>, simulator: Simulator): Operation<View, N> {
  const { dialect } = simulator
  const indexOf = (name: string) => INPUTS[rule.op].findIndex((_, i) => inputName(rule.op, i) === name)
  return {
    forward(call) {
      const results = rule.results(call, simulator)
      const known = (name: string): Meta | null => results[name] ?? metaOf(call.inputs[indexOf(name)])
      const script = dialect.forward[rule.op]
      const made: Record<string, SimTensor> = {}
      const rest = new Map<string, SimTensor>()
      if (script) {
        for (const step of stepsOf(script)) {
          if (step.do === 'free') {
            const t = rest.get(step.name)
            if (!t) throw new Error(`${rule.op}: the script frees ${step.name}, which is not there`)
            simulator.release(t)
            rest.delete(step.name)
          } else if (step.name === '@' || step.name in results) {
            const name = step.name === '@' ? 'result' : step.name
            made[name] = simulator.alloc(results[name]!.axes, results[name]!.dtype, results[name]!.strides)
          } else {
            const { axes, dtype } = shapeOf(step.shape, known)
            rest.set(step.name, simulator.alloc(axes, dtype))
          }
        }
      }
      for (const name of Object.keys(results)) {
        made[name] ??= simulator.alloc(results[name]!.axes, results[name]!.dtype, results[name]!.strides)
      }
      for (const save of rule.saves) {
        if (!save.for.some((name) => call.needs(indexOf(name)))) continue
        const tensor = made[save.tensor] ?? call.inputs[indexOf(save.tensor)]
        if (tensor) call.save(save.tensor, tensor, save.why)
      }
      for (const t of rest.values()) simulator.release(t)
      for (const name of Object.keys(made)) if (name !== 'result') simulator.release(made[name]!)
      return [made['result']!]
    },
    backward(call) {
      const grads: (SimTensor | null)[] = call.inputs.map(() => null)
      const incoming = call.grads[0]!
      const scripts = dialect.backward[rule.op]
      const rules = rule.gradients(call.attributes, call.inputs)
      const order = scripts?.order ?? rules.map((g) => g.of)
      for (const name of order) {
        const i = indexOf(name)
        if (!call.needs(i)) continue
        const stated = rules.find((g) => g.of === name)
        const make = scripts?.[name] ?? stated?.make ?? LIKE_GRAD
        if (make === 'pass') grads[i] = incoming
        else {
          const gradient = runBackward(make as Script, call, indexOf, incoming, simulator)
          grads[i] = stated?.view && dialect.strided ? simulator.asView(gradient) : gradient
        }
      }
      return grads
    },
  }
}

/** Runs one gradient's script; what it has not released goes at its end, as C++ temporaries do with the statement. */
function runBackward<N extends OpName>(
  script: Script,
  call: Backward<View, N>,
  indexOf: (name: string) => number,
  incoming: SimTensor,
  simulator: Simulator,
): SimTensor {
  const known = (name: string): Meta | null => {
    if (name === 'grad') return metaOf(incoming)
    if (name === 'result') return call.outputs[0] ?? null
    return call.has(name) ? metaOf(call.saved(name)) : (call.inputs[indexOf(name)] ?? null)
  }
  let gradient: SimTensor | null = null
  const rest = new Map<string, SimTensor>()
  for (const step of stepsOf(script)) {
    if (step.do === 'free') {
      const t = rest.get(step.name)
      if (!t) throw new Error(`${call.op}: the script frees ${step.name}, which is not there`)
      simulator.release(t)
      rest.delete(step.name)
      continue
    }
    const { axes, dtype } = shapeOf(step.shape, known)
    const follows = step.shape.part === 'all' && step.shape.of === 'grad' ? incoming.data.strides : undefined
    const t = simulator.alloc(axes, dtype, simulator.dialect.strided ? follows : undefined)
    if (step.name === '@') gradient = t
    else rest.set(step.name, t)
  }
  for (const t of [...rest.values()].reverse()) simulator.release(t)
  if (!gradient) throw new Error(`${call.op}: the script makes no gradient`)
  return gradient
}
