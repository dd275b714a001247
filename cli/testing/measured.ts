import { BINARY, cleanEnv, type Outcome, run } from './binary.ts'

/** What a run of the binary took beside what it said. */
export interface Measured extends Outcome {
  /** Of the processor, user and system: the clock on the wall also runs for others. */
  readonly seconds: number
  /** The most memory that was resident. */
  readonly bytes: number
}

const TELL = `process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  process.stderr.write('\\nmeasured ' + maxRSS + ' ' + (userCPUTime + systemCPUTime))
})`

/** Runs the built binary and measures its time and its resident memory. */
export async function measured(args: readonly string[]): Promise<Measured> {
  const hook = `data:text/javascript,${encodeURIComponent(TELL)}`
  const outcome = await run(process.execPath, ['--import', hook, BINARY, ...args], { env: cleanEnv() })
  const found = /^([\s\S]*)\nmeasured (\d+) (\d+)$/.exec(outcome.stderr)
  const [, stderr = '', kib = 'NaN', microseconds = 'NaN'] = found ?? []
  return { ...outcome, stderr, seconds: Number(microseconds) / 1e6, bytes: Number(kib) * 1024 }
}
