import { type Axes, type Axis, axis } from '../trace/axes.ts'

/** A tensor cut into equal pieces along its first axis, the last ones shorter or empty. */
export interface Chunk {
  /** What the rank's piece holds. */
  readonly own: Axes
  /** What it is padded to: the first rank's. */
  readonly padded: Axes
  /** All pieces with their padding. */
  readonly whole: Axes
}

/** `torch.chunk` along the first axis, as fully_shard does (_fsdp_common.py, _chunk_with_empty; _fsdp_param.py, _init_sharded_param). */
export function chunkOf(axes: Axes, ranks: number, rank: number): Chunk {
  const [first, ...rest] = axes
  if (!first) throw new Error('a tensor without axes cannot be cut')
  const most = Math.ceil(first.size / ranks)
  const own = Math.min(most, Math.max(0, first.size - rank * most))
  return {
    own: [part(first, ranks, own), ...rest],
    padded: [part(first, ranks, most), ...rest],
    whole: [most * ranks === first.size ? first : axis(`${first.name}+`, most * ranks), ...rest],
  }
}

/** The larger pieces of an axis are its name over the ranks: `h/8`. */
const part = ({ name }: Axis, ranks: number, size: number): Axis => axis(`${name}/${ranks}`, size)
