import type { Tape } from '../../autograd/tape.ts'
import type { Batch, Network } from '../../network/network.ts'
import type { Parameter, Shorthand, Tensor } from '../../ops/ops.ts'
import type { Simulator } from '../../simulate/simulator.ts'
import type { View } from '../../simulate/storage.ts'
import { axis, numel } from '../../trace/axes.ts'
import type { Zero } from '../../training/parallelism.ts'
import type { OptimizerImpl } from '../../training/spec.ts'
import type { RankOf } from '../rank.ts'
import type { Seat } from './flat.ts'
import { optimizerGroups } from './groups.ts'
import { scaledBackward } from './loss.ts'
import { masterOptimizer, overflowBuffer } from './master.ts'
import { Coordinator } from './stage3/coordinator.ts'
import { PartitionedGradients } from './stage3/gradients.ts'
import { efficientLinear } from './stage3/linear.ts'
import { PartitionedModules } from './stage3/modules.ts'
import { PartitionedParameter } from './stage3/parameter.ts'
import { PartitionedUpdate, type SubGroup, subGroups } from './stage3/update.ts'

/** What stage 3 has made before the first step. */
interface Made {
  readonly modules: PartitionedModules
  readonly coordinator: Coordinator
  readonly gradients: PartitionedGradients
  readonly groups: readonly SubGroup[]
}

/** A rank under stage 3: a part of every parameter, frozen ones too; whole ones while modules need them, and ahead of that. */
export function partitioned(network: Network, seat: Seat, zero: Zero, impl: OptimizerImpl, adapted: boolean): RankOf {
  return (simulator) => {
    let made: Made | null = null
    const all = (): Made => {
      if (!made) throw new Error('nothing has been made yet')
      return made
    }
    return {
      network: rooted(network, adapted),
      changes: true,
      leaves: () => [],
      hooks: {
        beginMicroStep: (last) => all().gradients.beginMicroStep(last),
        enter: (tape, path, args) => all().modules.enter(tape, path, args),
        leave: (tape, path, results) => all().modules.leave(tape, path, results),
        access: (p) => all().modules.access(p),
        accumulated: (leaf) => all().gradients.arrived(leaf),
        backward: (tape: Tape<View>, loss) =>
          scaledBackward(tape, loss, () => {
            all().gradients.endBackward()
            all().coordinator.endBackward()
          }),
      },
      materialize() {
        const parameters = parts(simulator, network.parameters, seat, zero)
        simulator.materialize(network.buffers)
        const groups = optimizerGroups(network.parameters, zero.optimizer).flatMap((g) =>
          subGroups(simulator, g, parameters, zero),
        )
        const gradients = new PartitionedGradients(simulator, zero, seat, parameters)
        overflowBuffer(simulator, zero)
        const manner = { simulator, ranks: seat.ranks, place: zero.parameterPlace }
        const coordinator = new Coordinator(manner, zero.stage3, parameters)
        const modules = new PartitionedModules(simulator, coordinator)
        made = { modules, coordinator, gradients, groups }
        simulator.override('linear', efficientLinear(simulator))
      },
      optimizer(inner) {
        const update = new PartitionedUpdate(simulator, zero, masterOptimizer(simulator, zero, impl, inner))
        return { step: () => update.step(all().groups, all().coordinator, all().gradients) }
      },
    }
  }
}

/** Every parameter's part: those that train side by side in one buffer, the others each in its own. */
function parts(
  simulator: Simulator,
  parameters: readonly Parameter[],
  { ranks }: Seat,
  zero: Zero,
): Map<Parameter, PartitionedParameter> {
  const { persistence, modelPersistence } = zero.stage3
  const made = new Map<Parameter, PartitionedParameter>()
  let persistent = 0
  let trained = 0
  for (const p of parameters) {
    const elements = numel(p.axes)
    const persists = elements <= persistence && persistent + elements <= modelPersistence
    if (persists) persistent += elements
    const partitioned = new PartitionedParameter(simulator, p, ranks, persists)
    made.set(p, partitioned)
    const dot = p.path.lastIndexOf('.')
    simulator.position.scope = p.path.slice(0, Math.max(0, dot))
    simulator.position.op = p.path.slice(dot + 1)
    if (p.trains) trained += partitioned.part
    else
      simulator.keep(
        simulator.alloc([axis('n/ranks', partitioned.part)], p.dtype, undefined, 'parameter', zero.parameterPlace),
      )
  }
  simulator.position.scope = ''
  simulator.position.op = 'lp_param_buffer'
  simulator.keep(simulator.alloc([axis('n/ranks', trained)], zero.dtype, undefined, 'parameter', zero.parameterPlace))
  return made
}

/** The program within the modules around it: the model itself, or PEFT's two, which call the model's forward as a function. */
const rooted = (network: Network, adapted: boolean): Network => ({
  ...network,
  forward<T extends Tensor>(o: Shorthand<T>, batch: Batch<T>) {
    const given = Object.values(batch).filter((v) => v !== undefined)
    const model = () => o.module('', given, () => whole(network.forward(o, batch)))
    const [logits, loss] = adapted ? o.module('', given, model) : model()
    return [logits!, loss!]
  },
})

function whole<T>([logits, loss]: readonly [T | null, T]): readonly [T, T] {
  if (logits === null) throw new Error('a partitioned model without logits is not followed')
  return [logits, loss]
}
