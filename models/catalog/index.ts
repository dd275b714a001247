import { BART_MODELS } from './bart.ts'
import { ENCODERS } from './encoders.ts'
import type { CatalogEntry } from './entry.ts'
import { GEMMA_MODELS } from './gemma.ts'
import { GPT2_MODELS } from './gpt2.ts'
import { GRANITE_MODELS } from './granite.ts'
import { LLAMA_MODELS } from './llama.ts'
import { MISTRAL_MODELS } from './mistral.ts'
import { OLMO_MODELS } from './olmo.ts'
import { OPT_MODELS } from './opt.ts'
import { PHI_MODELS } from './phi.ts'
import { PYTHIA_MODELS } from './pythia.ts'
import { QWEN_MODELS } from './qwen.ts'
import { SMOLLM_MODELS } from './smollm.ts'
import { STABLELM_MODELS } from './stablelm.ts'
import { T5_MODELS } from './t5.ts'
import { TINYLLAMA_MODELS } from './tinyllama.ts'

export type { CatalogEntry } from './entry.ts'

/**
 * Models known by name, as plain data: nothing is computed when this file is loaded.
 *
 * Keys are those of each repository's config.json. `parameters` are the published counts: they equal the sum over
 * `parameters()` of the class built on the meta device with transformers 5.23 (of flan-t5-base the stack's count does,
 * and the published one has a head of its own, 32128 × 768 more).
 */
export const CATALOG: Readonly<Record<string, CatalogEntry>> = {
  ...ENCODERS,
  ...T5_MODELS,
  ...BART_MODELS,
  ...LLAMA_MODELS,
  ...MISTRAL_MODELS,
  ...QWEN_MODELS,
  ...GEMMA_MODELS,
  ...GRANITE_MODELS,
  ...OLMO_MODELS,
  ...GPT2_MODELS,
  ...OPT_MODELS,
  ...PHI_MODELS,
  ...PYTHIA_MODELS,
  ...SMOLLM_MODELS,
  ...STABLELM_MODELS,
  ...TINYLLAMA_MODELS,
}
