import type { ModelSpec } from '../../../models/spec.ts'
import type { Network } from '../../network/network.ts'
import type { Parameter } from '../../ops/ops.ts'
import { Refusal } from '../../trace/errors.ts'
import type { FullySharded } from '../../training/parallelism.ts'

/** One group of parameters and the modules whose hooks gather it. */
export interface Unit {
  /** What formulas call it. */
  readonly name: string
  /** The root is the module without a name. */
  readonly modules: readonly string[]
  readonly reshards: boolean
  readonly parameters: readonly Parameter[]
}

/** Where a family has the modules that accelerate tells apart. */
interface Places {
  /** `_no_split_modules` that repeat. */
  readonly layer: RegExp
  /** `get_input_embeddings()` and `get_output_embeddings()`. */
  readonly embedding: string
  readonly head: string
  /** The last norm among the base model's own children (accelerate/utils/fsdp_utils.py, _find_final_norm). */
  readonly norm: string | null
}

const LLAMA: Places = {
  layer: /^model\.layers\.\d+$/,
  embedding: 'model.embed_tokens',
  head: 'lm_head',
  norm: 'model.norm',
}
const encoder = (root: string): Places => ({
  layer: new RegExp(`^${root}\\.encoder\\.layer\\.\\d+$`),
  embedding: `${root}.embeddings.word_embeddings`,
  head: 'lm_head',
  norm: null,
})

/** transformers 5.23, by `model_type` where it differs within a family. */
const PLACES: Readonly<Record<string, Places>> = {
  llama: LLAMA,
  gemma2: LLAMA,
  olmo2: LLAMA,
  granite: LLAMA,
  smollm3: LLAMA,
  stablelm: LLAMA,
  phi3: LLAMA,
  phi: { ...LLAMA, norm: 'model.final_layernorm' },
  gpt2: { layer: /^transformer\.h\.\d+$/, embedding: 'transformer.wte', head: 'lm_head', norm: 'transformer.ln_f' },
  opt: { layer: /^model\.decoder\.layers\.\d+$/, embedding: 'model.decoder.embed_tokens', head: 'lm_head', norm: null },
  gpt_neox: {
    layer: /^gpt_neox\.layers\.\d+$/,
    embedding: 'gpt_neox.embed_in',
    head: 'lm_head',
    norm: 'gpt_neox.final_layer_norm',
  },
  bert: encoder('bert'),
  roberta: encoder('roberta'),
  'xlm-roberta': encoder('roberta'),
}

/**
 * The groups that accelerate 1.15 makes of a model for FSDP2 (accelerate/utils/fsdp_utils.py, fsdp2_prepare_model): each layer,
 * the embedding, the last norm with the head, which stay whole after the forward, and what is left to the root.
 *
 * @throws Refusal for a family whose modules are not known
 */
export function unitsOf(model: ModelSpec, network: Network, fsdp: FullySharded, adapted: boolean): Unit[] {
  const places = PLACES[model.modelType] ?? PLACES[model.family]
  if (!places) {
    const message = `is not modelled for ${model.modelType}: which of its modules FSDP2 shards by themselves is not known here`
    throw new Refusal('not-modelled', '--fsdp', message, 'Leave it out, for one device.')
  }
  const left = new Set(network.parameters)
  const units: Unit[] = []
  const take = (name: string, modules: readonly string[], reshards: boolean): void => {
    const parameters = modules.flatMap((m) => [...left].filter((p) => p.path.startsWith(`${m}.`)))
    if (parameters.length === 0) return
    for (const p of parameters) left.delete(p)
    units.push({ name, modules, reshards, parameters })
  }
  const { reshard } = fsdp
  if (fsdp.wrap === 'layers') for (const m of layersOf(network, places.layer)) take('layer', [m], reshard)
  const tied = 'tied' in model && model.tied && model.task === 'causal-lm'
  if (!tied) take('embedding', [places.embedding], reshard)
  take('head', tailOf(network, places, tied, adapted), false)
  const rest: Unit = { name: 'root', modules: [''], reshards: false, parameters: [...left] }
  return [rest, ...units.sort((a, b) => first(a) - first(b))]
}

/** Where the unit's parameters begin in `named_parameters()`, which goes through the modules in order. */
const first = ({ parameters }: Unit): number => Math.min(...parameters.map((p) => p.index))

function layersOf({ parameters }: Network, layer: RegExp): string[] {
  const found = new Set<string>()
  for (const { path } of parameters) {
    const match = /^(.*?\.\d+)\./.exec(path)
    if (match?.[1] && layer.test(match[1])) found.add(match[1])
  }
  return [...found]
}

const has = ({ parameters }: Network, module: string): boolean =>
  parameters.some(({ path }) => path.startsWith(`${module}.`))

/**
 * The norm is looked for under the base model's name. PEFT's wrappers have a `model` of their own, which is the whole model: there
 * the norm is not found.
 */
function tailOf(network: Network, { norm, head, embedding }: Places, tied: boolean, adapted: boolean): string[] {
  const found = norm && !(adapted && norm.startsWith('model.')) ? [norm] : []
  if (tied) return [...found, embedding, head]
  return has(network, head) ? [...found, head] : found
}
