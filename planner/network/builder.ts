import type { Checkpointing, Init, Parameter } from '../ops/ops.ts'
import { type Axes, type Axis, axis, ONE } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import { Refusal } from '../trace/errors.ts'
import type { AdapterSpec, TrainSpec } from '../training/spec.ts'
import { type Adapter, adapterOf, isTarget } from './adapter.ts'
import { checkpointingOf } from './checkpointing.ts'
import { CURRENT, type Library } from './library.ts'
import type { Linear } from './linear.ts'
import type { Network } from './network.ts'
import { type MakeState, packed, type Quantized, quantizedState, rowScales } from './quantized.ts'
import { isByColumns, type Plan, pieceOf, type Shared, type Style, tensorRanks } from './tensor-parallel.ts'

/** What an output layer is over. */
export type Head = 'vocabulary' | 'classes'

/**
 * Collects a network's parameters and buffers in the order of `named_parameters()`, and puts PEFT's adapters where the setting
 * asks for them. A method only says which parameters train.
 */
export class Builder {
  readonly train: TrainSpec
  readonly library: Library
  readonly parameters: Parameter[] = []
  readonly buffers: Parameter[] = []
  /** Scales and tables of quantized weights. */
  readonly quantization: Parameter[] = []
  /** Paths of all linears, for messages about targets that match nothing. */
  readonly linears: string[] = []
  readonly #plan: Plan | null
  #adapted = 0
  #layers = 0
  readonly #savedNames = new Set<string>()

  /** `plan`: how ranks share linears, where several do. */
  constructor(train: TrainSpec, library: Library = CURRENT, plan: Plan | null = null) {
    this.train = train
    this.library = library
    this.#plan = plan
  }

  /**
   * Type of a weight that is not quantized. TRL takes embeddings and head back after PEFT has widened all
   * (trl/trainer/utils.py, peft_module_casting_to_bf16).
   */
  dtypeOf(path: string): DType {
    const { quantize, dtype } = this.train
    if (!quantize?.prepare) return dtype
    return quantize.trlCasts && !path.includes('norm') && TRL_CASTS.test(path) ? 'bfloat16' : 'float32'
  }

  get adapted(): number {
    return this.#adapted
  }

  /** How the next layer is checkpointed: to be asked once for each, in the order of `modules()`. */
  checkpointing(): Checkpointing {
    return checkpointingOf(this.train, this.#layers++)
  }

  /** A weight of the base model: it trains under full fine-tuning only. */
  weight(path: string, axes: Axes, dtype: DType = this.dtypeOf(path), init: Init = initOf(path, axes)): Parameter {
    return this.#parameter({ path, axes, dtype, trains: this.train.method === 'full', init })
  }

  /** The rows of a table, of which a rank has a piece where there is a plan. */
  table(path: string, axes: readonly [rows: Axis, columns: Axis]): Parameter {
    return this.#plan ? this.#shared(path, axes, 0) : this.weight(path, axes)
  }

  /** A weight that ranks share: the piece along axis `at`, or all of it on each (null). */
  #shared(path: string, whole: Axes, at: number | null): Parameter {
    const ranks = tensorRanks(this.train)
    const axes = whole.map((a, i) => (i === at ? pieceOf(a, ranks) : a))
    const trains = this.train.method === 'full'
    return this.#parameter({ path, axes, dtype: this.dtypeOf(path), trains, init: initOf(path, axes), whole })
  }

  /** A linear that ranks share by the style of its name; packed weights are refused there, and adapters but on columns. */
  #sharedLinear(
    path: string,
    input: Axis,
    output: Axis,
    style: Style,
    { bias, tied, head }: { bias?: boolean; tied?: Parameter; head?: Head },
  ): Linear {
    const byColumns = isByColumns(style)
    const ranks = tensorRanks(this.train)
    const { adapter } = this.train
    const wrapped = adapter !== null && isTarget(path, adapter.targets, head === 'vocabulary')
    const base = wrapped ? `${path}.base_layer` : path
    const shared: Shared = { style, ranks, whole: output }
    const made = {
      path,
      base,
      weight: tied ?? this.#shared(`${base}.weight`, [output, input], byColumns ? 0 : 1),
      bias: bias ? this.#shared(`${base}.bias`, [output], byColumns ? 0 : null) : null,
      quantized: null,
      shared,
    }
    if (!wrapped) return { ...made, adapter: null }
    this.#adapted++
    const matrices = this.#adapter(path, input, pieceOf(output, ranks), adapter, [output, axis('r', adapter.rank)])
    return { ...made, adapter: adapter.disabled ? null : { ...matrices, shared } }
  }

  buffer(path: string, axes: Axes, dtype: DType, init: Init = { kind: 'constant', value: 0 }): Parameter {
    const p: Parameter = { path, axes, dtype, trains: false, index: this.buffers.length, kind: 'buffer', init }
    this.buffers.push(p)
    return p
  }

  /**
   * An `nn.Linear` `[…, in] → […, out]`, wrapped by PEFT where its path is a target. `head` marks an output layer: it is never
   * quantized, and `all-linear` leaves out the one over the vocabulary. A classifier's it takes, unless the LoraConfig has
   * task_type SEQ_CLS (peft/tuners/tuners_utils.py, _maybe_include_all_linear_layers).
   */
  linear(
    path: string,
    input: Axis,
    output: Axis,
    options: { bias?: boolean; head?: Head; tied?: Parameter; conv1d?: boolean } = {},
  ): Linear {
    this.linears.push(path)
    const style = this.#plan?.[path.slice(path.lastIndexOf('.') + 1)]
    if (style) return this.#sharedLinear(path, input, output, style, options)
    const { adapter } = this.train
    const saved = adapter?.modulesToSave && this.#savedAncestor(path, adapter.modulesToSave)
    if (saved) return this.#saved(saved, path, input, output, options)
    const wrapped = adapter !== null && isTarget(path, adapter.targets, options.head === 'vocabulary')
    const base = wrapped ? `${path}.base_layer` : path
    const quantized =
      this.train.quantize && !options.head && !options.tied ? this.#quantized(base, input, output) : null
    const weight =
      quantized?.weight ??
      options.tied ??
      this.weight(`${base}.weight`, options.conv1d ? [input, output] : [output, input])
    const bias = options.bias ? this.weight(`${base}.bias`, [output]) : null
    const made = {
      path,
      base,
      weight,
      bias,
      quantized: quantized?.state ?? null,
      ...(options.conv1d ? { conv1d: true } : {}),
    }
    if (!wrapped || adapter === null) return { ...made, adapter: null }
    this.#adapted++
    const matrices = this.#adapter(path, input, output, adapter)
    return { ...made, adapter: adapter.disabled ? null : matrices }
  }

  /** PEFT's matrices; `wholeB`: B's axes on all ranks, where each has a piece. */
  #adapter(path: string, input: Axis, output: Axis, adapter: AdapterSpec, wholeB?: Axes): Adapter {
    const dtype = adapter.dtype === 'float32' ? 'float32' : this.train.dtype
    const manner = { dora: this.library.dora, converts: this.train.autocast === 'none' }
    return adapterOf(path, input, output, adapter, manner, (name, axes, part) => {
      const frozen = part === 'A' && this.train.method === 'lora-fa'
      const init = part === 'A' ? initOfA(axes) : part === 'B' ? ZEROS : ONES
      return this.#parameter({
        path: name,
        axes,
        dtype,
        trains: !frozen,
        init,
        strayGradient: frozen && this.train.reference,
        ...(part === 'B' && wholeB ? { whole: wholeB } : {}),
      })
    })
  }

  /** A frozen weight in 4 or 8 bits, and its state. */
  #quantized(base: string, input: Axis, output: Axis): { weight: Parameter; state: Quantized } {
    const { dtype, quantize } = this.train
    const kind = quantize?.kind ?? 'nf4'
    const eight = kind === 'int8'
    const weight: Parameter = {
      path: `${base}.weight`,
      axes: eight ? [output, input] : [packed(input, output), ONE],
      dtype: eight ? 'int8' : 'uint8',
      trains: false,
      index: this.parameters.length,
      kind: 'parameter',
      init: ZEROS,
      elements: input.size * output.size,
    }
    this.parameters.push(weight)
    const make: MakeState = (name, size, type) => {
      const p: Parameter = {
        path: `${base}.weight.${name}`,
        axes: [size],
        dtype: type,
        trains: false,
        index: this.quantization.length,
        kind: 'quantization',
        init: ZEROS,
      }
      this.quantization.push(p)
      return p
    }
    const state = eight ? rowScales(output, make) : quantizedState(input, output, dtype, kind === 'nf4-double', make)
    return { weight, state }
  }

  /** The module around `path`, or itself, that `modules_to_save` names: by the end of its path, whatever stands before (peft/utils/other.py, _set_trainable). */
  #savedAncestor(path: string, names: readonly string[]): string | null {
    if (names.length === 0) return null
    const parts = path.split('.')
    for (let n = 1; n <= parts.length; n++) {
      const ancestor = parts.slice(0, n).join('.')
      const name = names.find((t) => ancestor.endsWith(t))
      if (name === undefined) continue
      this.#savedNames.add(name)
      return ancestor
    }
    return null
  }

  /**
   * PEFT's ModulesToSaveWrapper around `module`: the original stays frozen and unused, a copy of its type trains
   * (peft/utils/other.py).
   */
  #saved(
    module: string,
    path: string,
    input: Axis,
    output: Axis,
    options: { bias?: boolean; tied?: Parameter },
  ): Linear {
    const axes = [output, input]
    const inner = path.slice(module.length)
    const original = `${module}.original_module${inner}`
    const frozen = {
      weight: options.tied ?? this.weight(`${original}.weight`, axes),
      bias: options.bias ? this.weight(`${original}.bias`, [output]) : null,
    }
    const base = `${module}.modules_to_save.default${inner}`
    const make = (name: string, shape: Axes) => {
      const copy = `${base}.${name}`
      return this.#parameter({
        path: copy,
        axes: shape,
        dtype: this.dtypeOf(base),
        trains: true,
        init: initOf(copy, shape),
      })
    }
    const weight = make('weight', axes)
    const bias = options.bias ? make('bias', [output]) : null
    // Inside a wrapped module a linear lies where the copy lies; only a linear that is itself named has a wrapper of its own.
    const copy = { path: inner ? base : path, base, weight, bias, quantized: null, adapter: null }
    return this.train.adapter?.disabled ? { ...copy, ...frozen, path: inner ? original : path, base: original } : copy
  }

  /** Where the module declared at `path` runs: in its copy, where `modules_to_save` names it. */
  home(path: string): string {
    const { adapter } = this.train
    const saved = adapter?.modulesToSave && this.#savedAncestor(path, adapter.modulesToSave)
    if (!saved) return path
    return `${saved}.${adapter.disabled ? 'original_module' : 'modules_to_save.default'}${path.slice(saved.length)}`
  }

  /** What was declared, for the network. Throws `Refusal` where `modules_to_save` names what is no linear here. */
  declared(): Pick<Network, 'parameters' | 'buffers' | 'quantization' | 'adapted'> {
    const { adapter } = this.train
    const lost = adapter?.modulesToSave?.filter((name) => !this.#savedNames.has(name)) ?? []
    if (lost.length > 0) {
      const message = `${lost.join(', ')}: only linears and modules of linears are modelled as modules that train whole`
      throw new Refusal('not-modelled', '--modules-to-save', message, `Linears here: ${ends(this.linears).join(', ')}.`)
    }
    const { parameters, buffers, quantization, adapted } = this
    return { parameters, buffers, quantization, adapted }
  }

  #parameter(made: Omit<Parameter, 'index' | 'kind'>): Parameter {
    const p: Parameter = { ...made, index: this.parameters.length, kind: 'parameter' }
    this.parameters.push(p)
    return p
  }
}

/** Last names of paths, each once. */
const ends = (paths: readonly string[]): string[] => [...new Set(paths.map((p) => p.slice(p.lastIndexOf('.') + 1)))]

const TRL_CASTS = /lm_head|embed_tokens|wte|wpe/

const ZEROS: Init = { kind: 'constant', value: 0 }
const ONES: Init = { kind: 'constant', value: 1 }

/** As the modeling files' _init_weights: matrices normal, biases zero; a weight with one axis is a norm's and starts at one. */
function initOf(path: string, axes: Axes): Init {
  if (path.endsWith('.bias')) return ZEROS
  return axes.length === 1 ? ONES : { kind: 'normal', std: 0.02 }
}

/** PEFT's kaiming_uniform(a = √5) for A (peft/tuners/lora/layer.py, reset_lora_parameters); B is zero. */
const initOfA = (axes: Axes): Init => ({ kind: 'uniform', bound: 1 / Math.sqrt(axes[1]!.size) })
