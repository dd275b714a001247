import { type Meta, NOTHING } from '../autograd/node.ts'
import type { Backward, Forward, Operation } from '../autograd/operation.ts'
import { type AttributesOf, INPUTS, type OpName } from '../ops/attributes.ts'
import type { BackwardScripts, Dialect, Script } from './dialect.ts'
import { type AllocStep, type Step, shapeOf, stepsOf } from './script.ts'
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

export type Results = Readonly<Record<string, Result>>

/**
 * What one operation keeps and makes, stated from the framework's source. The mechanism is `SimulatedKernel`.
 */
export interface Derivative<N extends OpName> {
  readonly op: N
  /** Where the rule stands in the framework. */
  readonly source: string
  /** Shapes of the results, `result` first; a further one (a mask) may be saved under its name. */
  results(call: Forward<View, N>, simulator: Simulator): Results
  readonly saves: readonly SaveRule[]
  /** Which of several kernels runs, where that depends on the attributes: the dialect's scripts are then under `gelu.tanh`. */
  variant?(attributes: AttributesOf<N>): string
  /**
   * Gradients in the order in which they are made, and the script of each: the generated code goes by the inputs' names in
   * alphabetical order. Default script: one new tensor shaped like the incoming gradient.
   */
  readonly gradients:
    | readonly GradientRule[]
    | ((attributes: AttributesOf<N>, inputs: readonly (Meta | null)[]) => readonly GradientRule[])
}

export interface GradientRule {
  readonly of: string
  readonly make?: Script | 'pass'
  /** The gradient is a view of what the kernel wrote (`mm(…).t()`), so the engine does not add into it. */
  readonly view?: true
}

const inputName = (op: OpName, i: number): string => INPUTS[op][i]?.replace('?', '') ?? `${i}`

/** An operation from its derivative: saves by the rules, allocations by the scripts of the dialect. */
export class SimulatedKernel<N extends OpName> implements Operation<View, N> {
  readonly #rule: Derivative<N>
  readonly #simulator: Simulator
  readonly #names: readonly string[]
  readonly #saves: readonly SaveInput[]
  readonly #scripts: Scripts
  readonly #variants = new Map<string, Scripts>()

  constructor(rule: Derivative<N>, simulator: Simulator) {
    this.#rule = rule
    this.#simulator = simulator
    this.#names = INPUTS[rule.op].map((_, i) => inputName(rule.op, i))
    this.#saves = rule.saves.map(({ tensor, why, for: names }) => ({
      tensor,
      why,
      input: this.#names.indexOf(tensor),
      for: names.map((name) => this.#names.indexOf(name)),
    }))
    this.#scripts = scriptsOf(simulator.dialect, rule.op)
  }

  #scriptsFor(attributes: AttributesOf<N>): Scripts {
    const variant = this.#rule.variant?.(attributes)
    if (variant === undefined) return this.#scripts
    const known = this.#variants.get(variant)
    if (known) return known
    const { dialect } = this.#simulator
    const own = scriptsOf(dialect, `${this.#rule.op}.${variant}`)
    const scripts = own.forward || own.backward ? own : this.#scripts
    this.#variants.set(variant, scripts)
    return scripts
  }

  forward(call: Forward<View, N>): readonly SimTensor[] {
    const simulator = this.#simulator
    // The generated code saves inputs before the kernel runs and results after it: a recomputation may stop in between.
    for (const save of this.#saves) if (save.input >= 0) this.#save(save, call, call.inputs[save.input])
    const results = this.#rule.results(call, simulator)
    const made: Made = {}
    let rest: readonly SimTensor[] = NOTHING
    const names = Object.keys(results)
    const there = call.kernel(() => {
      rest = this.#make(call, results, made)
      return names.map((name) => made[name]!)
    })
    for (let i = 0; i < names.length; i++) made[names[i]!] = there[i]!
    let stopped = true
    try {
      for (const save of this.#saves) if (save.input < 0) this.#save(save, call, made[save.tensor])
      stopped = false
    } finally {
      for (const t of rest) simulator.release(t)
      for (const name in made) if (stopped || name !== 'result') simulator.release(made[name]!)
    }
    return [made.result!]
  }

  /** Makes the results, by the forward's script where there is one; the temporaries that it leaves. */
  #make(call: Forward<View, N>, results: Results, made: Made): readonly SimTensor[] {
    const simulator = this.#simulator
    const { forward } = this.#scriptsFor(call.attributes)
    const rest = forward ? this.#run(forward, call, results, made) : NOTHING
    for (const name in results) made[name] ??= allocated(simulator, results[name]!)
    return rest
  }

  #run(script: readonly Step[], call: Forward<View, N>, results: Results, made: Made): readonly SimTensor[] {
    const simulator = this.#simulator
    const shape = (name: string): Meta | null => results[name] ?? metaOf(call.inputs[this.#names.indexOf(name)])
    return runScript(script, simulator, shape, ({ name }) => {
      const result = name === '@' ? 'result' : name
      const stated = results[result]
      if (!stated) return null
      const t = allocated(simulator, stated)
      made[result] = t
      return t
    })
  }

  #save(save: SaveInput, call: Forward<View, N>, tensor: SimTensor | null | undefined): void {
    if (tensor && isWanted(save, call)) call.save(save.tensor, tensor, save.why)
  }

  backward(call: Backward<View, N>): readonly (SimTensor | null)[] {
    const simulator = this.#simulator
    const grads: (SimTensor | null)[] = new Array(call.inputs.length).fill(null)
    const incoming = call.grads[0]!
    const { gradients } = this.#rule
    const rules = typeof gradients === 'function' ? gradients(call.attributes, call.inputs) : gradients
    const scripts = this.#scriptsFor(call.attributes).backward
    const order = scripts?.order
    for (let n = 0; n < (order ?? rules).length; n++) {
      const name = order ? order[n]! : rules[n]!.of
      const i = this.#names.indexOf(name)
      if (!call.needs(i)) continue
      const stated = order ? rules.find((g) => g.of === name) : rules[n]
      const make = scripts?.[name] ?? stated?.make
      if (make === 'pass') grads[i] = incoming
      else {
        const gradient = make ? this.#gradient(make as Script, call, incoming) : likeGradient(simulator, incoming)
        grads[i] = stated?.view && simulator.dialect.strided ? simulator.asView(gradient) : gradient
      }
    }
    return grads
  }

  /** Runs one gradient's script; what it has not released goes at its end, as C++ temporaries do with the statement. */
  #gradient(script: Script, call: Backward<View, N>, incoming: SimTensor): SimTensor {
    const simulator = this.#simulator
    const like = (step: AllocStep, { axes, dtype }: Meta): SimTensor => {
      const follows = simulator.dialect.strided && step.shape.part === 'all' && step.shape.of === 'grad'
      return simulator.alloc(axes, dtype, follows ? incoming.data.strides : undefined)
    }
    const shape = (name: string): Meta | null => this.#backwardShape(name, call, incoming)
    const steps = stepsOf(script)
    const only = steps.length === 1 ? steps[0] : undefined
    if (only?.do === 'alloc') return like(only, shapeOf(only.shape, shape))
    let gradient: SimTensor | null = null
    const rest = runScript(steps, simulator, shape, (step, meta) => {
      const t = like(step, meta)
      if (step.name !== '@') return { temporary: t }
      gradient = t
      return t
    })
    for (let i = rest.length - 1; i >= 0; i--) simulator.release(rest[i]!)
    if (!gradient) throw new Error(`${call.op}: the script makes no gradient`)
    return gradient
  }

  #backwardShape(name: string, call: Backward<View, N>, incoming: SimTensor): Meta | null {
    if (name === 'grad') return incoming
    if (name === 'result') return call.outputs[0] ?? null
    return call.has(name) ? call.saved(name) : (call.inputs[this.#names.indexOf(name)] ?? null)
  }
}

/** A save rule with its names looked up; `input` is -1 where a result is saved. */
interface SaveInput {
  readonly tensor: string
  readonly why: string
  readonly input: number
  readonly for: readonly number[]
}

function isWanted({ for: inputs }: SaveInput, call: { needs(i: number): boolean }): boolean {
  for (const i of inputs) if (call.needs(i)) return true
  return false
}

/** What a dialect says of one operation, or of one variant of it. */
interface Scripts {
  readonly forward: readonly Step[] | null
  readonly backward: BackwardScripts | undefined
}

function scriptsOf(dialect: Dialect, key: OpName | `${OpName}.${string}`): Scripts {
  const script = dialect.forward[key]
  return { forward: script ? stepsOf(script) : null, backward: dialect.backward[key] }
}

/** Results that are there already, by name. */
interface Made {
  result?: SimTensor
  [name: string]: SimTensor | undefined
}

const allocated = (simulator: Simulator, { axes, dtype, strides }: Result): SimTensor =>
  simulator.alloc(axes, dtype, strides)

const likeGradient = (simulator: Simulator, incoming: SimTensor): SimTensor =>
  simulator.alloc(incoming.axes, incoming.dtype, simulator.dialect.strided ? incoming.data.strides : undefined)

/**
 * Runs a script. `make` may make a line's tensor itself: a result (kept), a temporary, or null for the default, a dense
 * temporary. Returns the temporaries that the script has not released.
 */
function runScript(
  steps: readonly Step[],
  simulator: Simulator,
  known: (name: string) => Meta | null,
  make: (step: AllocStep, shape: Meta) => SimTensor | { temporary: SimTensor } | null,
): SimTensor[] {
  const names: string[] = []
  const alive: SimTensor[] = []
  for (const step of steps) {
    if (step.do === 'free') {
      const i = names.indexOf(step.name)
      if (i < 0) throw new Error(`a script frees ${step.name}, which is not there`)
      simulator.release(alive[i]!)
      names.splice(i, 1)
      alive.splice(i, 1)
      continue
    }
    if (step.do === 'rename') throw new Error('only the scripts of a tile rename')
    const shape = shapeOf(step.shape, known)
    const made = make(step, shape)
    if (made !== null && !('temporary' in made)) continue
    names.push(step.name)
    alive.push(made === null ? simulator.alloc(shape.axes, shape.dtype) : made.temporary)
  }
  return alive
}
