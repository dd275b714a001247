import { randomStream } from '../run/values.ts'

/** Numbers in [0, 1). */
export type Random = () => number

/** FNV-1a over a name, so that each use of a seed has a stream of its own. */
function hash(text: string): number {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  return h >>> 0
}

/** The stream of a seed for one use of it: the same on every machine. */
export const streamOf = (use: string, seed: number): Random => randomStream(hash(`${use} ${seed}`))

/** One of the items, each as likely as its weight. */
export function pick<T>(items: readonly T[], weight: (item: T) => number, random: Random): T {
  let left = random() * items.reduce((sum, item) => sum + weight(item), 0)
  for (const item of items) {
    left -= weight(item)
    if (left < 0) return item
  }
  return items.at(-1)!
}
