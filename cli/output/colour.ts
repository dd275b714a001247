import { Chalk, type ChalkInstance, type ColorSupportLevel } from 'chalk'

/** What decides about colour on one stream. */
export interface ColourContext {
  readonly isTerminal: boolean
  readonly env: NodeJS.ProcessEnv
  /** `--no-color` */
  readonly refused: boolean
}

/**
 * The one place where colour is decided. Off for `--no-color`, a non-empty NO_COLOR and `TERM=dumb`; FORCE_COLOR stands for a
 * terminal where there is none.
 */
export function colourLevel({ isTerminal, env, refused }: ColourContext): ColorSupportLevel {
  if (refused || (env.NO_COLOR ?? '') !== '') return 0
  const forced = forcedLevel(env.FORCE_COLOR)
  if (forced !== undefined) return forced
  if (!isTerminal || env.TERM === 'dumb') return 0
  if (env.COLORTERM === 'truecolor' || env.COLORTERM === '24bit') return 3
  return /-256(color)?$/i.test(env.TERM ?? '') ? 2 : 1
}

/** One painter a stream: stdout and stderr may differ. */
export const painter = (context: ColourContext): ChalkInstance => new Chalk({ level: colourLevel(context) })

export type Paint = ChalkInstance

function forcedLevel(value: string | undefined): ColorSupportLevel | undefined {
  if (value === undefined || value === '') return undefined
  if (value === '0' || value === 'false') return 0
  if (value === '2') return 2
  return value === '3' ? 3 : 1
}
