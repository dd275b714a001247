import { flagOf, type OptionKey, type TrainingOptions } from './options.ts'
import type { RefusalList } from './refusals.ts'

interface NotYet {
  readonly key: OptionKey
  /** True for a value that no simulation covers. */
  readonly when: (value: NonNullable<TrainingOptions[OptionKey]>) => boolean
  readonly why: string
  readonly next: string
}

const isOn = (value: unknown): boolean => value === true

/** What the command line promises and no simulation covers yet: refused by name, never approximated. */
const NOT_YET: readonly NotYet[] = [
  {
    key: 'packing',
    when: isOn,
    why: 'is not modelled yet: where positions restart, transformers gives sdpa and eager a mask of blocks and flash-attn lengths',
    next: 'Say --packing=false with the packed length as --seq-len for the part without a mask.',
  },
]

/** Adds what is asked for and not modelled. */
export function refuseNotModelled(options: TrainingOptions, problems: RefusalList): void {
  for (const { key, when, why, next } of NOT_YET) {
    const value = options[key]
    if (value === undefined || !when(value)) continue
    const shown = typeof value === 'boolean' ? '' : `${String(value)} `
    problems.add('not-modelled', flagOf(key), `${shown}${why}`, next)
  }
}
