import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { catalogEntry, specFromCatalog, specFromConfig } from '../../models/index.ts'
import type { ModelSpec } from '../../models/spec.ts'
import { DEFAULT_STACK, predict, resolveStack } from '../../planner/predict/index.ts'
import type { TrainingOptions } from '../../planner/training/options.ts'
import { type ResolvedTraining, resolveTraining } from '../../planner/training/resolve.ts'
import { emit, type Launched, type LauncherName } from '../../reports/launch/index.ts'

interface Written {
  readonly id: string
  readonly tool: LauncherName
  readonly model: string
  readonly options: TrainingOptions
}

/** Models small enough to be run, by name; the others are the catalog's. */
const SMALL: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  small: {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 32,
    intermediate_size: 80,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 128,
    max_position_embeddings: 256,
    tie_word_embeddings: false,
  },
  encoder: {
    architectures: ['BertForSequenceClassification'],
    model_type: 'bert',
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    vocab_size: 128,
    max_position_embeddings: 64,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  },
}

/** A case of fixtures/launch/cases.json with the files that are emitted for it. */
export interface LaunchCase extends Launched {
  readonly id: string
  readonly tool: LauncherName
  /** The config of a model that is run; null where files are only read. */
  readonly config: Readonly<Record<string, unknown>> | null
  /** The model's width; null for a described one. */
  readonly hidden: number | null
  readonly train: ResolvedTraining['train']
  readonly training: ResolvedTraining['setting']
  /** Of scripts that are run: what autograd keeps, A frozen again after each pass with the adapter disabled, as the script writes it out. */
  readonly predictedSavedBytes: number
  /** What it keeps after such a pass if nobody freezes A again. */
  readonly withoutGuardBytes: number
}

export function launchCases(): LaunchCase[] {
  const path = fileURLToPath(new URL('../../../fixtures/launch/cases.json', import.meta.url))
  const cases: Written[] = JSON.parse(readFileSync(path, 'utf8'))
  const stack = resolveStack(DEFAULT_STACK)
  return cases.map(({ id, tool, model, options }) => {
    const config = SMALL[model] ?? null
    const spec: ModelSpec = config === null ? specFromCatalog(model) : specFromConfig(config, { name: model })
    const { train, setting } = resolveTraining(spec, options, { stack: stack.name })
    const repository = catalogEntry(model)?.repository ?? model
    const launched = emit(tool, { model: repository, training: setting })
    const saved = (reference: boolean): number =>
      tool === 'peft' ? predict(spec, { ...train, reference }, stack).saved_bytes : 0
    const bytes = { predictedSavedBytes: saved(false), withoutGuardBytes: train.adapter === null ? 0 : saved(true) }
    const hidden = 'hidden' in spec ? spec.hidden : null
    return { id, tool, config, hidden, train, training: setting, ...bytes, ...launched }
  })
}
