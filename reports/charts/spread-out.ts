/**
 * Places for labels that want to stand at `wanted`: in the same order, at least `gap` apart and between `low` and `high`, each as near to
 * where it wants to be as its neighbours let it.
 */
export function spreadOut(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = [...wanted.keys()].sort((a, b) => wanted[a]! - wanted[b]! || a - b)
  // labels that touch move as one, to the mean of where they want to be
  const blocks: { members: number[]; at: number }[] = []
  for (const i of order) {
    blocks.push({ members: [i], at: clamp(wanted[i]!, low, high) })
    for (let last = blocks.at(-1)!; blocks.length > 1; last = blocks.at(-1)!) {
      const before = blocks.at(-2)!
      if (last.at - before.at >= before.members.length * gap) break
      blocks.pop()
      before.members.push(...last.members)
      const starts = before.members.map((m, k) => wanted[m]! - k * gap)
      const mean = starts.reduce((sum, s) => sum + s, 0) / starts.length
      before.at = clamp(mean, low, high - (before.members.length - 1) * gap)
    }
  }
  const places = new Array<number>(wanted.length)
  for (const { members, at } of blocks)
    members.forEach((m, k) => {
      places[m] = at + k * gap
    })
  return places
}

const clamp = (n: number, low: number, high: number): number => Math.max(low, Math.min(n, high))
