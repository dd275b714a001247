import { spawn } from 'node:child_process'
import { RunError } from '../errors.ts'
import { onStop } from '../process/interrupt.ts'

/** The end of what a program wrote that is shown when it fails. */
const TAIL = 1500
/** The beginning of it in which a compiler's first error is looked for. */
const HEAD = 20_000

/** What a program wrote last, or a compiler's first error, from which the others follow. */
function wordsOf(head: string, tail: string): string {
  const error = /^.*\berror: .*$/m.exec(head)?.[0]
  if (error !== undefined) return `; its first error: ${error.trim()}`
  return tail.trim() === '' ? '' : `; its last words: ${tail.trim().split('\n').slice(-3).join(' / ')}`
}

/**
 * Runs another program to its end and gives what it printed on standard output. It goes when the person says stop. `next` is what to do
 * where it fails, `absent` where it is not there.
 *
 * @throws RunError where it is not there, fails, or takes longer than `limitMs`
 */
export function runProgram(
  command: string,
  args: readonly string[],
  {
    limitMs,
    next,
    absent = next,
    env = process.env,
  }: { limitMs: number; next: string; absent?: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  return new Promise((resolve, reject) => {
    // a group of its own: pip and g++ start others
    const child = spawn(command, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // it has ended by itself
      }
    }
    const forget = onStop(kill)
    let late = false
    const timer = setTimeout(() => {
      late = true
      kill()
    }, limitMs)
    let [out, head, tail] = ['', '', '']
    const keep = (text: string): void => {
      if (head.length < HEAD) head += text
      tail = (tail + text).slice(-TAIL)
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      keep(text)
    })
    child.stderr.setEncoding('utf8').on('data', keep)
    const fail = (how: string, then = next): void => {
      reject(new RunError(`${command} ${how}${wordsOf(head, tail)}`, then))
    }
    child.on('error', (error) => {
      clearTimeout(timer)
      forget()
      fail(`could not be started: ${error.message}`, absent)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      forget()
      if (late) fail(`took longer than ${limitMs / 1000} s`)
      else if (code !== 0) fail(signal === null ? `ended with code ${code}` : `was killed by ${signal}`)
      else resolve(out)
    })
  })
}
