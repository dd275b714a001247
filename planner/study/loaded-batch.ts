import type { Executor } from '../execute/index.ts'
import type { Batch, Network } from '../network/network.ts'
import { Refusal } from '../trace/errors.ts'
import type { BatchValues } from './tasks.ts'

type Num = ReturnType<Executor['input']>

/** The batch's tensors, made once; each step writes its numbers into them. */
export class LoadedBatch {
  readonly tensors: Batch<Num>
  readonly #executor: Executor

  /** @throws Refusal for an input that a study does not fill */
  constructor(executor: Executor, network: Network, first: BatchValues) {
    this.#executor = executor
    this.tensors = Object.fromEntries(
      network.inputs.map(({ name, axes, dtype }) => {
        if (name === 'attention_mask') {
          const message = 'is set, and a study cuts its batches without padding'
          throw new Refusal('not-modelled', '--padding', message, 'Leave it out.')
        }
        return [name, executor.input(name, axes, dtype, first[name])]
      }),
    )
  }

  fill(values: BatchValues): void {
    for (const name of ['input_ids', 'labels'] as const) {
      const tensor = this.tensors[name]
      if (tensor) this.#executor.values(tensor).set(values[name])
    }
  }
}
