import type { Input } from '../../planner/result/common.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { peft } from '../launch/peft.ts'

/** The script that trains it with transformers and PEFT, as `--emit peft` writes it; null where there is none for such a setting. */
export function trainingCode({ model, training }: Input): string | null {
  const repository =
    /^catalog \((.+)\)$/.exec(model.source)?.[1] ?? /^Hugging Face cache, (\S+) at /.exec(model.source)?.[1]
  // a cut model is nothing that can be loaded
  if (repository === undefined || training.layers !== undefined) return null
  try {
    const { files } = peft({ model: repository, training })
    return files.map((f) => f.text).join('\n')
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}
