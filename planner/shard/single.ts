import type { Network } from '../network/network.ts'
import type { RankOf } from './rank.ts'

/** The only device: whole parameters and no hooks. */
export const single =
  (network: Network): RankOf =>
  (simulator) => ({
    network,
    materialize: () =>
      simulator.materialize([...network.parameters, ...network.buffers, ...(network.quantization ?? [])]),
    leaves: null,
  })
