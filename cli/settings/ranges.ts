/** The least and the most of the integers that both the command line and a report's page read. */
export const RANGES = {
  rank: [1, 65_536],
  batch_size: [1, 1_000_000],
  seq_len: [1, 16_777_216],
  target_seq_len: [1, 16_777_216],
} as const satisfies Readonly<Record<string, readonly [min: number, max: number]>>
