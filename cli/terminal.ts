import { type Paint, painter } from './output/colour.ts'

/** How much is said on stderr. */
export interface Manners {
  readonly quiet: boolean
  readonly verbose: boolean
  readonly debug: boolean
  readonly noColour: boolean
}

const DEFAULT_WIDTH = 100
const NARROWEST = 20

/** Where a command prints: results on stdout, everything else on stderr. */
export class Terminal {
  readonly manners: Manners
  readonly env: NodeJS.ProcessEnv
  /** Paints what goes to stdout. */
  readonly out: Paint
  /** Paints what goes to stderr. */
  readonly err: Paint

  constructor(manners: Manners, env: NodeJS.ProcessEnv = process.env) {
    this.manners = manners
    this.env = env
    this.out = painter({ isTerminal: process.stdout.isTTY === true, env, refused: manners.noColour })
    this.err = painter({ isTerminal: process.stderr.isTTY === true, env, refused: manners.noColour })
  }

  /** Columns of stdout; where it is no terminal, COLUMNS. */
  get width(): number {
    return columns(process.stdout.columns, this.env)
  }

  /** A progress bar may be drawn. */
  get interactive(): boolean {
    return process.stderr.isTTY === true && !this.manners.quiet && this.env.TERM !== 'dumb'
  }

  /** A result, on stdout. */
  print(text: string): void {
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  }

  /** An error, on stderr, whatever the manners. */
  complain(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  /** Anything else, on stderr: nothing under `--quiet`. */
  say(text: string): void {
    if (!this.manners.quiet) this.complain(text)
  }

  /** Said under `--verbose` only. */
  mention(text: string): void {
    if (this.manners.verbose) this.say(this.err.dim(text))
  }
}

/** Columns to write in: the terminal's, else COLUMNS, else enough for a table. */
export function columns(terminal: number | undefined, env: NodeJS.ProcessEnv): number {
  const said = terminal ?? Number.parseInt(env.COLUMNS ?? '', 10)
  return Number.isFinite(said) && said > 0 ? Math.max(NARROWEST, said) : DEFAULT_WIDTH
}
