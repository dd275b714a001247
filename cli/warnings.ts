import { type Trap, trapsOf } from '../planner/predict/traps.ts'
import type { EstimateBody } from '../planner/result/estimate.ts'
import type { TrainSpec } from '../planner/training/spec.ts'
import { type Bytes, plural } from './output/numbers.ts'

/**
 * What would undo the saving in practice, each with its bytes. `predict` predicts the model under another setting; null where the
 * body is an engine's, and only its own tables are read.
 */
export function warningsFor(
  train: TrainSpec,
  body: EstimateBody,
  bytes: Bytes,
  predict: ((train: TrainSpec) => EstimateBody) | null,
): string[] {
  return trapsOf(train, body, predict).map((trap) => words(trap, train, bytes))
}

function words(trap: Trap, { adapter }: TrainSpec, bytes: Bytes): string {
  switch (trap.kind) {
    case 'reference': {
      const cost = `${bytes(trap.savedBytes)} of inputs kept for it and ${bytes(trap.gradientBytes)} of gradients that nobody steps`
      return `--reference-model: when disable_adapter() ends PEFT lets A train again (${cost}); set requires_grad of lora_A to False after each reference pass`
    }
    case 'checkpointing': {
      const { lowersBytes, withoutBytes } = trap
      return `with checkpointing LoRA-FA lowers the peak by ${bytes(lowersBytes)} against LoRA; without it by ${bytes(withoutBytes)}: a layer's inputs are dropped either way`
    }
    case 'dropout':
      return `--lora-dropout ${adapter?.dropout} keeps what its backward needs (${plural(trap.tensors, 'storage')}, ${bytes(trap.bytes)}) although LoRA-FA drops the inputs; 0 keeps nothing`
    case 'kept-anyway':
      return `${plural(trap.tensors, 'input')} of adapted linears (${bytes(trap.bytes)}) stay, since ${trap.by.join(' and ')} keep${trap.by.length === 1 ? 's' : ''} them too: there LoRA-FA saves no activation`
    case 'int8':
      return `int8 keeps the input of every base linear (${plural(trap.tensors, 'tensor')}, ${bytes(trap.bytes)}) whatever trains, until the graph goes and with checkpointing too; --quantize nf4 keeps none`
    case 'dora-weights':
      return `DoRA with --lora-dropout ${adapter?.dropout} keeps copies of adapted weights (${plural(trap.tensors, 'tensor')}, ${bytes(trap.bytes)}), since it multiplies by it once more; --lora-dropout 0 keeps none`
    case 'experts': {
      const type = trap.widened
        ? 'and prepare_model_for_kbit_training takes them to float32'
        : 'whatever --quantize says'
      return `experts are not packed (${plural(trap.tensors, 'parameter')}, ${bytes(trap.bytes)}), ${type}: bitsandbytes packs linears only`
    }
    case 'logits': {
      const tensors = `${bytes(trap.bytes)} in ${plural(trap.tensors, 'tensor')} over the vocabulary`
      return `logits dominate the peak: ${tensors}; a smaller batch or length lowers it, an adapter method does not`
    }
  }
}
