/** Weight types a checkpoint may have. */
export type WeightDType = 'float32' | 'bfloat16' | 'float16'

export const TASKS = ['causal-lm', 'sequence-classification', 'seq2seq-lm'] as const
export type Task = (typeof TASKS)[number]

/**
 * Where a field's value comes from: a key of config.json (or of a description), a catalog entry, the framework's default
 * for a missing key, or what the person asked for instead (`--task`, `--layers`).
 */
export interface Provenance {
  readonly source: 'config' | 'catalog' | 'default' | 'override'
  readonly key: string
}

interface Common {
  /** What a person calls it: the catalog name, or the folder of the config. */
  readonly name: string
  /** The class of the modeling file: `LlamaForCausalLM`. */
  readonly architecture: string
  /** `model_type` of config.json. */
  readonly modelType: string
  readonly task: Task
  /** Type of the published weights. */
  readonly dtype: WeightDType
  /** Longest sequence the position encoding allows. */
  readonly maxPositions: number
  /** By field name of the spec. */
  readonly provenance: Readonly<Record<string, Provenance>>
}

/** Activations by the names that transformers' ACT2FN uses. */
export type Activation = 'silu' | 'relu' | 'gelu' | 'gelu_new' | 'gelu_pytorch_tanh' | 'quick_gelu'

/** LLaMA and its like (Mistral, Qwen2, Qwen3, Gemma, TinyLlama, SmolLM2): pre-norm decoder with rotary positions and a gated MLP. */
export interface LlamaSpec extends Common {
  readonly family: 'llama'
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly vocab: number
  readonly activation: Activation
  /** The head shares the embedding's weight. */
  readonly tied: boolean
  readonly qkvBias: boolean
  readonly outputBias: boolean
  readonly mlpBias: boolean
  /** Queries and keys are normalized head by head before they turn (Qwen3). */
  readonly headNorms: boolean
  /** Embeddings times √hidden, norms with 1 + weight in float32 (Gemma). */
  readonly scaled: boolean
  readonly slidingWindow: number | null
  readonly normEps: number
  readonly ropeTheta: number
  /** How the rotary frequencies are scaled (`default`, `llama3`, …): changes numbers, no shape. */
  readonly ropeType?: string
  readonly attentionDropout: number
}

/** What causal decoders with rotary positions of their own have in common; the first columns of each head turn. */
interface RotaryDecoderSpec extends Common {
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly headDim: number
  readonly vocab: number
  readonly activation: Activation
  /** The head shares the embedding's weight. */
  readonly tied: boolean
  /** Columns of a head that turn. */
  readonly rotaryWidth: number
  readonly ropeTheta: number
  readonly attentionDropout: number
  readonly normEps: number
}

/** A rotary decoder whose heads share keys and values, with a gated MLP. */
export interface GroupedDecoderSpec extends RotaryDecoderSpec {
  readonly kvHeads: number
  /** Of q, k, v and the output. */
  readonly attentionBias: boolean
  /** How the rotary frequencies are scaled (`default`, `llama3`, …): changes numbers, no shape. */
  readonly ropeType?: string
}

/** What a layer does that its neighbours may not. */
export interface LayerKind {
  /** Its attention sees a window of the sequence only. */
  readonly sliding: boolean
  /** Its queries and keys turn with their positions. */
  readonly rotary: boolean
}

/** Layers of several kinds in turn: layer i is of kind `i` modulo their number. */
interface Alternating {
  readonly kinds: readonly LayerKind[]
  readonly slidingWindow: number | null
}

/** Gemma 2 and 3: norms before and after attention and MLP, layers that slide between layers that see everything. */
export interface Gemma2Spec extends GroupedDecoderSpec, Alternating {
  readonly family: 'gemma2'
  readonly slidingWindow: number
  /** Scores over the root of this number. */
  readonly queryScale: number
  /** Scores and logits are kept within ± this by a tanh. Gemma 3 caps no scores. */
  readonly scoreCap: number | null
  readonly logitCap: number | null
  /** Queries and keys are normalized head by head (Gemma 3). */
  readonly headNorms: boolean
  /** Layers that slide turn by a base of their own, from a table of their own (Gemma 3). */
  readonly slidingTheta: number | null
}

/** OLMo 2: norms after attention and MLP only, and over queries and keys whole. */
export interface Olmo2Spec extends GroupedDecoderSpec {
  readonly family: 'olmo2'
}

/** Granite: LLaMA with a multiplier on embeddings, scores, residuals and logits each. */
export interface GraniteSpec extends GroupedDecoderSpec {
  readonly family: 'granite'
  readonly mlpBias: boolean
  readonly embeddingMultiplier: number
  /** Of the scores, in place of 1/√d. */
  readonly attentionMultiplier: number
  readonly residualMultiplier: number
  /** What logits are divided by. */
  readonly logitsScaling: number
}

/** SmolLM3: LLaMA with layers that do not turn queries and keys, which may slide. */
export interface SmolLm3Spec extends GroupedDecoderSpec, Alternating {
  readonly family: 'smollm3'
  readonly mlpBias: boolean
}

/** Layers whose tokens go to a few of many gated MLPs each, which a router picks. */
interface Routed {
  readonly experts: number
  readonly expertsPerToken: number
}

/** Mixtral: Mistral with experts in place of the MLP. */
export interface MixtralSpec extends GroupedDecoderSpec, Routed {
  readonly family: 'mixtral'
  readonly slidingWindow: number | null
}

/** What a layer has after its attention: experts, or one MLP of the model's own width. */
export type MlpKind = 'experts' | 'mlp'

/** Qwen3-MoE: Qwen3 with experts in place of some or all layers' MLP; layer i is of kind `i` modulo their number. */
export interface Qwen3MoeSpec extends GroupedDecoderSpec, Routed {
  readonly family: 'qwen3_moe'
  readonly slidingWindow: number | null
  readonly kinds: readonly MlpKind[]
  /** Columns of an expert's MLP. */
  readonly expertWidth: number
  /** The weights of a token's experts are divided by their sum. */
  readonly normalizesWeights: boolean
}

/** StableLM: layer norms, and rotary positions that turn the first columns of a head. */
export interface StableLmSpec extends RotaryDecoderSpec {
  readonly family: 'stablelm'
  readonly kvHeads: number
  readonly qkvBias: boolean
  /** Attention and MLP side by side after one norm. */
  readonly parallelResidual: boolean
  readonly hiddenDropout: number
}

/** Phi-3: q, k and v in one linear, gate and up in another. */
export interface Phi3Spec extends RotaryDecoderSpec {
  readonly family: 'phi3'
  readonly kvHeads: number
  readonly slidingWindow: number | null
  readonly residualDropout: number
}

/** Phi-1 and Phi-2: attention and MLP side by side after one norm. */
export interface PhiSpec extends RotaryDecoderSpec {
  readonly family: 'phi'
  readonly kvHeads: number
  readonly embeddingDropout: number
  readonly residualDropout: number
}

/** GPT-NeoX and Pythia: attention and MLP side by side, a norm each. */
export interface GptNeoXSpec extends RotaryDecoderSpec {
  readonly family: 'gpt_neox'
  readonly attentionBias: boolean
  readonly parallelResidual: boolean
  readonly hiddenDropout: number
}

/** GPT-2: pre-norm decoder with learned positions, whose linears are Conv1D. */
export interface Gpt2Spec extends Common {
  readonly family: 'gpt2'
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly vocab: number
  readonly positions: number
  readonly activation: Activation
  /** The head shares the embedding's weight. */
  readonly tied: boolean
  readonly embeddingDropout: number
  readonly attentionDropout: number
  readonly residualDropout: number
  readonly normEps: number
  /** Scores over √d, and over the layer's number as well. */
  readonly scaled: boolean
  readonly scaledByLayer: boolean
}

/** OPT: decoder with learned positions counted from the mask. */
export interface OptSpec extends Common {
  readonly family: 'opt'
  readonly hidden: number
  /** Width of the embedding, which linears lead in and out of where it is not `hidden` (OPT-350m). */
  readonly embedded: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly vocab: number
  readonly positions: number
  readonly activation: Activation
  /** The head shares the embedding's weight. */
  readonly tied: boolean
  readonly bias: boolean
  /** Norms before attention and MLP, and one at the end; after them in OPT-350m. */
  readonly normBefore: boolean
  readonly dropout: number
  readonly attentionDropout: number
}

/** BERT and RoBERTa: post-norm encoder with absolute positions and a classification head. */
export interface BertSpec extends Common {
  readonly family: 'bert'
  /** RoBERTa counts positions from the padding index and has its own head. */
  readonly variant: 'bert' | 'roberta'
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly vocab: number
  readonly positions: number
  readonly tokenTypes: number
  readonly labels: number
  readonly activation: Activation
  readonly hiddenDropout: number
  readonly attentionDropout: number
  readonly classifierDropout: number
  readonly normEps: number
  readonly padTokenId: number
}

/** ModernBERT: pre-norm encoder with rotary positions and a gated MLP, whose layers attend to everything or to a window around. */
export interface ModernBertSpec extends Common, Alternating {
  readonly family: 'modernbert'
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly vocab: number
  readonly labels: number
  readonly activation: Activation
  readonly normEps: number
  readonly normBias: boolean
  readonly attentionBias: boolean
  readonly mlpBias: boolean
  readonly attentionDropout: number
  readonly embeddingDropout: number
  readonly mlpDropout: number
  /** Tokens that are seen on either side. */
  readonly slidingWindow: number
  /** Bases of angles, of layers that see everything and of those that slide. */
  readonly ropeTheta: number
  readonly slidingTheta: number
  /** What is classified: the first token, or the mean of all that are no padding. */
  readonly pooling: 'cls' | 'mean'
  readonly classifierDropout: number
  readonly classifierBias: boolean
  readonly classifierActivation: Activation
}

/** DistilBERT: BERT's layers without token types and pooler, and a classification head of its own. */
export interface DistilBertSpec extends Common {
  readonly family: 'distilbert'
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly vocab: number
  readonly positions: number
  readonly labels: number
  readonly activation: Activation
  readonly dropout: number
  readonly attentionDropout: number
  readonly classifierDropout: number
}

/** T5 v1.0 (relu) and v1.1/flan (gated gelu): pre-norm encoder-decoder with relative position biases. */
export interface T5Spec extends Common {
  readonly family: 't5'
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly decoderLayers: number
  readonly heads: number
  readonly headDim: number
  readonly vocab: number
  readonly activation: Activation
  readonly gated: boolean
  readonly relativeBuckets: number
  readonly relativeMaxDistance: number
  readonly dropout: number
  readonly normEps: number
  /** As the checkpoint says; the stack may tie anyway (transformers 5 does). */
  readonly tied: boolean
  /** Whether the decoder's result is scaled before the head: T5 v1.0 does, v1.1 does not. */
  readonly scaled: boolean
  readonly decoderStartTokenId: number
  readonly padTokenId: number
}

/** BART: post-norm encoder-decoder with learned positions, one table of words and a bias of zeros on its logits. */
export interface BartSpec extends Common {
  readonly family: 'bart'
  readonly hidden: number
  readonly intermediate: number
  readonly decoderIntermediate: number
  readonly layers: number
  readonly decoderLayers: number
  readonly heads: number
  readonly decoderHeads: number
  readonly vocab: number
  readonly positions: number
  readonly activation: Activation
  readonly dropout: number
  readonly attentionDropout: number
  readonly activationDropout: number
  /** Embeddings are multiplied by √hidden, else by one. */
  readonly scaleEmbedding: boolean
  readonly decoderStartTokenId: number
  readonly padTokenId: number
}

/** One block of a freeform description, with its numbers worked out. See docs/descriptions.md. */
export type FreeformBlock =
  | { readonly block: 'embedding'; readonly name: string; readonly vocab: number; readonly width: number }
  | { readonly block: 'positions'; readonly name: string; readonly positions: number; readonly width: number }
  | {
      readonly block: 'norm'
      readonly name: string
      readonly kind: 'layer' | 'rms'
      readonly width: number
      readonly eps: number
    }
  | { readonly block: 'dropout'; readonly name: string; readonly p: number }
  | {
      readonly block: 'attention'
      readonly name: string
      readonly width: number
      readonly heads: number
      readonly kvHeads: number
      readonly headDim: number
      readonly bias: boolean
      readonly causal: boolean
      readonly rotary: boolean
    }
  | {
      readonly block: 'mlp'
      readonly name: string
      readonly width: number
      readonly inner: number
      readonly activation: Activation
      readonly gated: boolean
      readonly bias: boolean
    }
  | { readonly block: 'residual'; readonly name: string; readonly of: readonly FreeformBlock[] }
  | { readonly block: 'repeat'; readonly name: string; readonly times: number; readonly of: readonly FreeformBlock[] }
  | {
      readonly block: 'head'
      readonly name: string
      readonly vocab: number
      readonly width: number
      readonly tied: boolean
    }

/** An architecture that a person described with building blocks. */
export interface FreeformSpec extends Common {
  readonly family: 'freeform'
  readonly blocks: readonly FreeformBlock[]
  /** The named dimensions of the description, worked out. */
  readonly dimensions: Readonly<Record<string, number>>
}

export type ModelSpec =
  | LlamaSpec
  | BertSpec
  | DistilBertSpec
  | ModernBertSpec
  | T5Spec
  | BartSpec
  | Gpt2Spec
  | OptSpec
  | Gemma2Spec
  | Olmo2Spec
  | GraniteSpec
  | SmolLm3Spec
  | MixtralSpec
  | Qwen3MoeSpec
  | StableLmSpec
  | Phi3Spec
  | PhiSpec
  | GptNeoXSpec
  | FreeformSpec
