import { adaptCode, FREEZE_CODE, importsOf, loadCode, optimizerCode, transformersNames } from './adapter-code.ts'
import { enableCode, isSelective, keptCode } from './checkpoints.ts'
import { hasAdapter, isLoraFa, type Launch, type Launched, learningRate, refuse, requireSharing } from './launch.ts'
import { python } from './write.ts'

/** A training script with PyTorch's own loop: what is predicted is what it runs. */
export function peft(launch: Launch): Launched {
  const { training, model } = launch
  requireSharing('peft', launch, ['alone'])
  if (training.reference_model && !hasAdapter(launch))
    refuse('peft', '--reference-model', 'has no adapter to disable', 'Say --method lora or lora-fa.')
  const names = ['AutoTokenizer', ...transformersNames(launch)].sort()
  const seq2seq = training.task === 'seq2seq-lm'
  const checkpoints = training.gradient_checkpointing !== 'none'
  const keeps = training.checkpoint_keep !== undefined && training.checkpoint_keep !== 'none'
  const autocast = training.autocast !== undefined && training.autocast !== 'none'
  const text = `"""${training.method} of ${model}, ${training.batch_size} x ${training.seq_len} tokens: the step that tidemark predicted.

usage: python train.py TEXTS.jsonl [--model NAME] [--steps N]      a JSON object a line, with "text"${seq2seq ? ' and "target"' : ''}${training.task === 'sequence-classification' ? ' and "label"' : ''}
"""

import argparse
import itertools
import json
from contextlib import ${isLoraFa(launch) ? 'contextmanager, ' : ''}nullcontext
${keeps ? 'from functools import partial\n' : ''}
${importsOf(launch).join('\n')}
${keeps ? 'from torch.utils.checkpoint import create_selective_checkpoint_contexts\n' : ''}from transformers import ${names.join(', ')}

MODEL = ${python(model)}

${keptCode(launch)}
${loadCode(launch)}

${isLoraFa(launch) ? `${FREEZE_CODE}\n\n` : ''}${hasAdapter(launch) ? `${adaptCode(launch)}\n\n` : ''}${optimizerCode(launch, learningRate(launch))}

def precision(device):
    ${autocast ? `return torch.autocast(device, dtype=torch.${training.autocast})` : 'return nullcontext()'}


def build(name=MODEL, device="cuda"):
    """The model and its optimizer, as the step finds them."""
    model = ${hasAdapter(launch) ? 'adapt(load(name)' : '(load(name)'}${training.quantize ? '' : '.to(device)'})
${checkpoints && (training.prepare_kbit !== true || isSelective(launch)) ? `    model.gradient_checkpointing_enable(${enableCode(launch)})\n` : ''}    optimizer = optimizer_of(model)
    model.train()
    return model, optimizer


def forward(model, batch, device):
${training.reference_model ? referenceCode(launch) : ''}    with precision(device):
        return model(**batch).loss${training.gradient_accumulation > 1 ? ` / ${training.gradient_accumulation}` : ''}


def step(model, optimizer, batches, device):
    for batch in batches:
        forward(model, batch, device).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


${batchCode(launch)}

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", default="adapter")
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model, optimizer = build(options.model, options.device)
    batches = batches_of(options.texts, tokenizer, options.device)
    for _ in range(options.steps):
        step(model, optimizer, list(itertools.islice(batches, ${training.gradient_accumulation})), options.device)
    model.save_pretrained(options.out)


if __name__ == "__main__":
    main()
`
  const notes = [
    ...(training.reference_model && isLoraFa(launch)
      ? [
          'the prediction counts what PEFT keeps after the pass of reference; the script freezes A again, and keeps less',
        ]
      : []),
    ...(training.autocast === 'float16'
      ? ['float16 wants its loss scaled (torch.amp.GradScaler): not in the script']
      : []),
    ...(training.fused_loss === undefined || training.fused_loss === 'none'
      ? []
      : [
          `--fused-loss ${training.fused_loss} is not in the script: apply it to the model (liger_kernel.transformers)`,
        ]),
    ...(training.fused_kernels === undefined || training.fused_kernels === 'none'
      ? []
      : [
          `--fused-kernels ${training.fused_kernels} is not in the script: apply them to the model (fms_acceleration_foak)`,
        ]),
  ]
  return { files: [{ name: 'train.py', text }], command: 'python train.py texts.jsonl', notes }
}

const referenceCode = (launch: Launch): string =>
  `    with precision(device), torch.no_grad(), ${isLoraFa(launch) ? 'base_model(model)' : 'model.disable_adapter()'}:
        model(**batch).loss  # what a preference loss would compare with
`

/** Rows are cut or padded to one length, so that each step is the one predicted. */
function batchCode({ training }: Launch): string {
  const { batch_size: batch, seq_len: length, target_seq_len: target } = training
  const mask = training.padding ? '' : '\n            del batch["attention_mask"]  # rows are full: no mask is made'
  const labels = (() => {
    if (training.task === 'sequence-classification')
      return 'batch["labels"] = torch.tensor([int(row["label"]) for row in rows])'
    if (training.task === 'seq2seq-lm')
      return `batch["labels"] = encode([row["target"] for row in rows], ${target ?? length})["input_ids"]`
    return 'batch["labels"] = batch["input_ids"].clone()'
  })()
  return `def batches_of(path, tokenizer, device):
    """Batches without end: rows of one length, as the step was predicted."""
    with open(path, encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines if line.strip()]

    def encode(text, length):
        return tokenizer(text, max_length=length, truncation=True, padding="max_length", return_tensors="pt")

    endless = itertools.cycle(texts)
    while True:
        rows = list(itertools.islice(endless, ${batch}))
        batch = dict(encode([row["text"] for row in rows], ${length}))
        batch.pop("token_type_ids", None)${mask.replace('            del', '        del')}
        ${labels}
        yield {name: tensor.to(device) for name, tensor in batch.items()}
`
}
