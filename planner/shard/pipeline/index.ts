import type { Network } from '../../network/network.ts'
import type { Simulator } from '../../simulate/simulator.ts'
import type { View } from '../../simulate/storage.ts'
import type { Pipeline } from '../../training/parallelism.ts'
import { asLeaf, type Pipe } from '../../training/pipeline-step.ts'
import { oneForwardOneBackward } from '../../training/schedule.ts'
import type { TrainSpec } from '../../training/spec.ts'
import type { RankOf } from '../rank.ts'
import { single } from '../single.ts'

/**
 * A stage's tensors beside its parameters: for every micro-batch of a step one to receive hidden states into and one for the gradient of
 * what it sent, made once and kept (torch/distributed/pipelining/stage.py, _setup_forward_recv_info, _create_grad_recv_info).
 */
export function pipeOf(simulator: Simulator, network: Network, train: TrainSpec, pipeline: Pipeline): Pipe<View> {
  const { stage, stages } = pipeline
  const { hidden } = network.stage!
  const made = (op: string) => {
    simulator.position.op = op
    const one = () => simulator.keep(simulator.alloc(hidden.axes, hidden.dtype, undefined, 'buffer'))
    return Array.from({ length: train.accumulation }, one)
  }
  return {
    turns: oneForwardOneBackward(stages, stage, train.accumulation),
    batch: train.batch,
    received: stage === 0 ? null : made('receive').map((v) => asLeaf(v)),
    gradients: stage === stages - 1 ? null : made('receive gradient'),
  }
}

/** A rank that runs a stage with whole layers, or its pieces of them. */
export const staged =
  (network: Network, train: TrainSpec, pipeline: Pipeline): RankOf =>
  (simulator) => ({
    ...single(network)(simulator),
    pipe: () => pipeOf(simulator, network, train, pipeline),
  })
