import type { Tape } from '../../autograd/tape.ts'
import type { Network } from '../../network/network.ts'
import type { View } from '../../simulate/storage.ts'
import type { Zero } from '../../training/parallelism.ts'
import type { OptimizerImpl } from '../../training/spec.ts'
import type { RankOf } from '../rank.ts'
import { FlatParameters, type Seat } from './flat.ts'
import { FlatGradients } from './gradients.ts'
import { optimizerGroups } from './groups.ts'
import { HostGradients } from './host-gradients.ts'
import { scaledBackward } from './loss.ts'
import { masterOptimizer, overflowBuffer } from './master.ts'
import { FlatUpdate } from './update.ts'

/**
 * A rank under stages 1 and 2: whole weights on each, those that train in flat buffers; float32 weights and moments cut over the ranks;
 * gradients cut when they are reduced. Frozen weights are on every rank whole: no stage below 3 divides them.
 */
export function replicated(network: Network, seat: Seat, zero: Zero, impl: OptimizerImpl): RankOf {
  const parameters = optimizerGroups(network.parameters, zero.optimizer)
  return (simulator) => {
    let groups: readonly FlatParameters[] = []
    let host: HostGradients | null = null
    let gradients: FlatGradients | null = null
    const made = (): FlatGradients => {
      if (!gradients) throw new Error('nothing has been made yet')
      return gradients
    }
    return {
      network,
      changes: true,
      leaves: () => [],
      hooks: {
        beginMicroStep: (last) => made().beginMicroStep(last),
        accumulated: (leaf) => made().arrived(leaf),
        backward: (tape: Tape<View>, loss) => scaledBackward(tape, loss, () => made().endBackward()),
      },
      materialize() {
        simulator.materialize([...network.parameters.filter((p) => !p.trains), ...network.buffers])
        groups = parameters.map((group) => new FlatParameters(simulator, group, seat, zero))
        overflowBuffer(simulator, zero)
        if (zero.optimizerPlace === 'host') {
          for (const flat of groups) flat.offload(simulator, zero.dtype)
          host = new HostGradients(simulator, zero, groups)
        }
        gradients = new FlatGradients(simulator, zero, groups, host)
      },
      optimizer(inner) {
        const update = new FlatUpdate(simulator, zero, masterOptimizer(simulator, zero, impl, inner))
        return { step: () => update.step(groups, made(), host) }
      },
    }
  }
}
