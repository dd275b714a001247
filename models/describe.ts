import type { ModelSpec } from './spec.ts'

/**
 * The dimensions of a model by the symbols that laws and formulas use: `h` hidden, `f` feed-forward width, `a` heads,
 * `k` key/value heads, `d` head width, `V` vocabulary, `L` layers; `E` experts, `e` of them a token, `m` an expert's width; of a decoder that reads an encoder `Ld` layers, `fd` width and
 * `ad` heads. Counts, no units. A description gives its own names.
 */
export function describeDimensions(spec: ModelSpec): Record<string, number> {
  switch (spec.family) {
    case 'llama':
    case 'gemma2':
    case 'olmo2':
    case 'granite':
    case 'smollm3':
    case 'stablelm':
    case 'phi3':
    case 'phi':
      return {
        h: spec.hidden,
        f: spec.intermediate,
        a: spec.heads,
        k: spec.kvHeads,
        d: spec.headDim,
        V: spec.vocab,
        L: spec.layers,
      }
    case 'mixtral':
    case 'qwen3_moe':
      return {
        h: spec.hidden,
        f: spec.intermediate,
        a: spec.heads,
        k: spec.kvHeads,
        d: spec.headDim,
        V: spec.vocab,
        L: spec.layers,
        E: spec.experts,
        e: spec.expertsPerToken,
        ...(spec.family === 'qwen3_moe' ? { m: spec.expertWidth } : {}),
      }
    case 'bert':
    case 'gpt2':
    case 'opt':
    case 'distilbert':
    case 'modernbert':
      return {
        h: spec.hidden,
        f: spec.intermediate,
        a: spec.heads,
        k: spec.heads,
        d: spec.hidden / spec.heads,
        V: spec.vocab,
        L: spec.layers,
      }
    case 'gpt_neox':
      return {
        h: spec.hidden,
        f: spec.intermediate,
        a: spec.heads,
        k: spec.heads,
        d: spec.headDim,
        V: spec.vocab,
        L: spec.layers,
      }
    case 't5':
      return {
        h: spec.hidden,
        f: spec.intermediate,
        a: spec.heads,
        k: spec.heads,
        d: spec.headDim,
        V: spec.vocab,
        L: spec.layers,
        Ld: spec.decoderLayers,
      }
    case 'bart':
      return {
        h: spec.hidden,
        f: spec.intermediate,
        fd: spec.decoderIntermediate,
        a: spec.heads,
        k: spec.heads,
        d: spec.hidden / spec.heads,
        ad: spec.decoderHeads,
        V: spec.vocab,
        L: spec.layers,
        Ld: spec.decoderLayers,
      }
    case 'freeform':
      return { ...spec.dimensions }
  }
}
