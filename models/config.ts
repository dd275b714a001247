import type { Adapter, ArchitectureClass } from './adapter.ts'
import { bartAdapter } from './bart.ts'
import { bertAdapter } from './bert.ts'
import { distilBertAdapter } from './distilbert.ts'
import { refuseExperts } from './experts.ts'
import { Fields } from './fields.ts'
import { gemma2Adapter } from './gemma2.ts'
import { gptNeoXAdapter } from './gpt-neox.ts'
import { gpt2Adapter } from './gpt2.ts'
import { graniteAdapter } from './granite.ts'
import { type Issue, ModelError, throwIfAny } from './issue.ts'
import { inspectTree } from './limits.ts'
import { llamaAdapter } from './llama.ts'
import { mixtralAdapter } from './mixtral.ts'
import { modernBertAdapter } from './modernbert.ts'
import { didYouMean, editDistance } from './nearest.ts'
import { olmo2Adapter } from './olmo2.ts'
import { optAdapter } from './opt.ts'
import { phiAdapter } from './phi.ts'
import { phi3Adapter } from './phi3.ts'
import { qwen3MoeAdapter } from './qwen3-moe.ts'
import { smolLm3Adapter } from './smollm3.ts'
import { describeValue, printable, type Source } from './source.ts'
import type { ModelSpec, Task, WeightDType } from './spec.ts'
import { stableLmAdapter } from './stablelm.ts'
import { t5Adapter } from './t5.ts'

/** What the person wants instead of what the file says. */
export interface Overrides {
  readonly task?: Task | undefined
  /** Keep only the first so many layers (of each stack). */
  readonly layers?: number | undefined
}

const ADAPTERS: readonly Adapter[] = [
  llamaAdapter,
  gemma2Adapter,
  olmo2Adapter,
  graniteAdapter,
  smolLm3Adapter,
  mixtralAdapter,
  qwen3MoeAdapter,
  stableLmAdapter,
  phi3Adapter,
  phiAdapter,
  gptNeoXAdapter,
  gpt2Adapter,
  optAdapter,
  bertAdapter,
  distilBertAdapter,
  modernBertAdapter,
  t5Adapter,
  bartAdapter,
]

const DTYPES: Readonly<Record<string, WeightDType>> = {
  float32: 'float32',
  bfloat16: 'bfloat16',
  float16: 'float16',
  'torch.float32': 'float32',
  'torch.bfloat16': 'bfloat16',
  'torch.float16': 'float16',
}

/** Keys of any config.json that look like a neighbour's misspelling and are not. */
const COMMON_KEYS: ReadonlySet<string> = new Set(['bos_token_id', 'eos_token_id', 'sep_token_id', 'cls_token_id'])

/** `model_type` values that can be read. */
export function knownModelTypes(): readonly string[] {
  return ADAPTERS.flatMap((adapter) => Object.keys(adapter.classes))
}

/**
 * Reads a parsed Hugging Face config.json. A missing key takes the default of that model type's config class in
 * transformers 5.23, and the provenance says so; the hidden size, the layers and the heads must be there.
 *
 * @param source the document; its positions are used in errors
 * @param origin what the provenance calls the keys
 * @throws ModelError with all that is wrong; code `unknown-architecture` for a family that is not modelled
 */
export function readConfig(
  source: Source,
  name: string,
  origin: 'config' | 'catalog',
  overrides: Overrides = {},
): ModelSpec {
  throwIfAny(inspectTree(source))
  if (source.value === null || typeof source.value !== 'object' || Array.isArray(source.value)) {
    throw new ModelError([notAnObject(source)])
  }
  const fields = new Fields(source, origin)
  const { adapter, modelType } = pickAdapter(fields)
  const { architecture, task } = pickArchitecture(fields, adapter, modelType, overrides.task)
  fields.note('name', origin, 'name')
  fields.note('family', origin, fields.has('model_type') ? 'model_type' : 'architectures')
  fields.note('modelType', origin, fields.has('model_type') ? 'model_type' : 'architectures')
  const dtype = fields.choice('dtype', fields.first('dtype', 'torch_dtype'), DTYPES, { value: 'float32' })
  refuseQuantized(fields)
  refuseMisspelled(fields, source.value, adapter)
  const common = { name, architecture, modelType, task, dtype, provenance: fields.provenance }
  const spec = adapter.read(fields, common, overrides.layers)
  throwIfAny(fields.issues)
  return spec
}

function pickAdapter(fields: Fields): { adapter: Adapter; modelType: string } {
  const given = fields.raw('model_type')
  const className = firstArchitecture(fields)
  for (const adapter of ADAPTERS) {
    for (const [modelType, classes] of Object.entries(adapter.classes)) {
      if (given === modelType) return { adapter, modelType }
      if (given === undefined && className !== undefined && Object.hasOwn(classes, className)) {
        return { adapter, modelType }
      }
    }
  }
  if (refuseExperts(fields)) throw new ModelError(fields.issues)
  const known = knownModelTypes()
  const key = given === undefined && className !== undefined ? 'architectures' : 'model_type'
  const missing = given === undefined && className === undefined
  const said = typeof given === 'string' ? given : (className ?? '')
  const all = `Known model types: ${known.join(', ')}. Another architecture can be described: see docs/descriptions.md.`
  fields.fail(
    missing ? 'missing-field' : 'unknown-architecture',
    key,
    missing
      ? 'is missing, and so is architectures'
      : `${describeValue(given ?? className)} is not a known architecture`,
    `one of ${known.join(', ')}`,
    `${didYouMean(said, [...known, ...knownClasses()], '')} ${all}`.trim(),
  )
  throw new ModelError(fields.issues)
}

function pickArchitecture(
  fields: Fields,
  adapter: Adapter,
  modelType: string,
  wanted: Task | undefined,
): { architecture: string; task: Task } {
  const classes = adapter.classes[modelType] ?? {}
  const [standard] = Object.keys(classes)
  const said = firstArchitecture(fields)
  // classes without `takenAs` are what can be built; the first is the family's own
  const built = Object.entries(classes).filter(([, known]) => known.takenAs === undefined)
  if (wanted !== undefined) {
    const match = built.find(([, known]) => known.task === wanted)
    if (match !== undefined) {
      fields.note('task', 'override', 'task')
      fields.note(
        'architecture',
        match[0] === said ? 'config' : 'override',
        match[0] === said ? 'architectures' : 'task',
      )
      return { architecture: match[0], task: wanted }
    }
    const expected = built.map(([, known]) => known.task).join(', ')
    const next = `A ${modelType} model is modelled for this task only.`
    fields.issues.push({ code: 'unsupported', where: '--task', message: `is ${printable(wanted)}`, expected, next })
  }
  const known = said === undefined ? undefined : lookUp(classes, said)
  if (said !== undefined && known === undefined) {
    fields.fail(
      'unknown-architecture',
      'architectures',
      `"${printable(said)}" of model type ${modelType} is not modelled`,
      `one of ${Object.keys(classes).join(', ')}`,
      didYouMean(said, Object.keys(classes), 'Choose a task that is modelled with --task.'),
    )
  }
  const assumed = known === undefined || known.takenAs !== undefined
  if (assumed) {
    for (const field of ['task', 'architecture']) fields.note(field, 'default', said ?? 'architectures')
  } else {
    for (const field of ['task', 'architecture']) fields.noteKey(field, 'architectures')
  }
  const architecture = known?.takenAs ?? (known === undefined ? standard : said) ?? ''
  return { architecture, task: known?.task ?? built[0]?.[1].task ?? 'causal-lm' }
}

function lookUp(classes: Readonly<Record<string, ArchitectureClass>>, name: string): ArchitectureClass | undefined {
  return Object.hasOwn(classes, name) ? classes[name] : undefined
}

function firstArchitecture(fields: Fields): string | undefined {
  const list = fields.raw('architectures')
  const first: unknown = Array.isArray(list) ? list[0] : list
  if (first === undefined || first === null) return undefined
  if (typeof first === 'string') return first
  const next = 'Write "architectures": ["LlamaForCausalLM"], say.'
  const message = `is ${describeValue(first)}`
  if (fields.issues.every((issue) => issue.next !== next)) {
    fields.fail('wrong-type', 'architectures', message, 'a list with the name of a class', next)
  }
  return undefined
}

function knownClasses(): string[] {
  return ADAPTERS.flatMap((adapter) => Object.values(adapter.classes).flatMap((classes) => Object.keys(classes)))
}

function refuseQuantized(fields: Fields): void {
  if (!fields.has('quantization_config')) return
  const next = 'Give the config.json of the model it was quantized from, and say --quantize.'
  fields.fail('unsupported', 'quantization_config', 'the weights are stored quantized', 'full-precision weights', next)
}

/** A key one or two letters off a known one that is itself missing would silently leave the default in force. */
function refuseMisspelled(fields: Fields, object: object, adapter: Adapter): void {
  const missing = adapter.keys.filter((key) => fields.raw(key) === undefined)
  for (const key of Object.keys(object).slice(0, 1000)) {
    if (key.length < 6 || key.length > 40 || adapter.keys.includes(key) || COMMON_KEYS.has(key)) continue
    const meant = missing.find((candidate) => editDistance(key, candidate) <= 2)
    if (meant === undefined) continue
    const message = 'is not a known key'
    fields.fail('unknown-key', key, message, `"${meant}", which is missing`, `Did you mean ${meant}?`)
  }
}

function notAnObject(source: Source): Issue {
  return {
    code: 'wrong-type',
    where: source.at([]),
    message: `is ${describeValue(source.value)}`,
    expected: 'an object, as in a Hugging Face config.json',
    next: 'Give the config.json of a model, or a description (docs/descriptions.md).',
  }
}
