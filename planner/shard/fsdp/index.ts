import type { ModelSpec } from '../../../models/spec.ts'
import { networkOf } from '../../network/index.ts'
import type { Library } from '../../network/library.ts'
import type { Batch, Network } from '../../network/network.ts'
import type { Parameter, Shorthand, Tensor } from '../../ops/ops.ts'
import type { DType } from '../../trace/dtype.ts'
import type { FullySharded, Parallelism } from '../../training/parallelism.ts'
import type { TrainSpec } from '../../training/spec.ts'
import type { RankOf } from '../rank.ts'
import { Communication } from './comm.ts'
import { ParameterGroup } from './group.ts'
import { ShardedModules, ShardedUnit } from './modules.ts'
import { type Cut, ShardedParameter } from './param.ts'
import { type Unit, unitsOf } from './units.ts'

/**
 * A rank under FSDP2 (torch/distributed/fsdp/_fully_shard, torch 2.13), its groups those of accelerate 1.15. Modules compute in
 * the policy's type, so the program is that of a model in this type; shards keep their own, float32 where they train
 * (fsdp2_prepare_model's upcast).
 *
 * @throws Refusal for what is not modelled
 */
export function fullySharded(
  model: ModelSpec,
  train: TrainSpec,
  { gpus, rank }: Parallelism,
  fsdp: FullySharded,
  library?: Library,
): RankOf {
  const { precision, replicas, offload } = fsdp
  const network = networkOf(model, precision ? computing(train, precision) : train, library)
  const typed = precision ? networkOf(model, train, library).parameters : network.parameters
  const units = unitsOf(model, network, fsdp, train.adapter !== null)
  const ranks = gpus / replicas
  const cut: Cut = { ranks, rank: rank % ranks, device: offload ? 'host' : 'device' }
  const shardType = (p: Parameter): DType => (precision && p.trains ? 'float32' : typed[p.index]!.dtype)
  return (simulator) => {
    const comm = new Communication(simulator, ranks, replicas)
    const made = new Map<Parameter, ShardedParameter>()
    const sharded = (p: Parameter): ShardedParameter => made.get(p)!
    const groupOf = ({ name, parameters, reshards }: Unit) =>
      parameters.length === 0 ? null : new ParameterGroup(name, parameters.map(sharded), comm, reshards, { offload })
    let modules: ShardedModules | null = null
    const hooks = (): ShardedModules => {
      modules ??= new ShardedModules(
        comm,
        units.map((u) => new ShardedUnit(u.modules, groupOf(u))),
      )
      return modules
    }
    return {
      network: rooted(network, precision, () => hooks().endForward()),
      get hooks() {
        return hooks()
      },
      materialize() {
        for (const p of network.parameters) made.set(p, new ShardedParameter(simulator, p, shardType(p), cut))
        simulator.materialize(network.buffers)
      },
      leaves: () => network.parameters.flatMap((p) => sharded(p).shard ?? []),
    }
  }
}

type Precision = NonNullable<FullySharded['precision']>

/** The setting in whose types the modules compute. */
const computing = (train: TrainSpec, dtype: Precision): TrainSpec => ({
  ...train,
  dtype,
  adapter: train.adapter && { ...train.adapter, dtype: 'base' },
})

/** The program as a call of the root module, whose loss is handed out in the policy's type (`output_dtype`). */
const rooted = (network: Network, precision: DType | null, endForward: () => void): Network => ({
  ...network,
  forward<T extends Tensor>(o: Shorthand<T>, batch: Batch<T>) {
    const given = Object.values(batch).filter((v) => v !== undefined)
    const [logits, loss] = o.module('', given, () => {
      const [logits, loss] = network.forward(o, batch)
      if (logits === null) throw new Error('a sharded model without logits is not followed')
      return [logits, loss]
    })
    const typed = precision ? o.to(loss!, precision) : loss!
    endForward()
    return [logits!, typed]
  },
})
