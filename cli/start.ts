import { EXIT } from './errors.ts'
import { tellFailure } from './output/failure.ts'
import { stopOnSignals } from './process/interrupt.ts'
import { runProgram } from './program.ts'
import { Terminal } from './terminal.ts'

/** A reader that has seen enough (`| head`) closes the pipe: that ends the program, and is no error. A full disk is one. */
function endWithTheReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.done)
    if (stream !== process.stderr) process.stderr.write(`error: the result cannot be written: ${error.message}\n`)
    process.exit(EXIT.failure)
  })
}

/** How errors are shown is read off the words themselves: the command line may be what is wrong. */
function plainTerminal(argv: readonly string[]): Terminal {
  const has = (flag: string): boolean => argv.includes(flag)
  return new Terminal({
    quiet: has('--quiet') || has('-q'),
    verbose: has('--verbose'),
    debug: has('--debug'),
    noColour: has('--no-color'),
  })
}

/** Runs the command line; the exit code is left in `process.exitCode`, so that what was printed is written out first. */
export async function start(argv: readonly string[]): Promise<void> {
  endWithTheReader(process.stdout)
  endWithTheReader(process.stderr)
  stopOnSignals()
  try {
    process.exitCode = await runProgram(argv)
  } catch (error) {
    process.exitCode = tellFailure(error, plainTerminal(argv))
  }
}
