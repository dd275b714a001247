import { spawn } from 'node:child_process'
import { RunError } from '../errors.ts'
import { onStop } from '../process/interrupt.ts'

/** The end of what a program wrote that is shown when it fails. */
const TAIL = 1500

/**
 * Runs another program to its end and gives what it printed on standard output. It goes when the person says stop.
 *
 * @throws RunError where it is not there, fails, or takes longer than `limitMs`
 */
export function runProgram(
  command: string,
  args: readonly string[],
  { limitMs, next, env = process.env }: { limitMs: number; next: string; env?: NodeJS.ProcessEnv },
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
    let [out, tail] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      tail = (tail + text).slice(-TAIL)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL)
    })
    const fail = (how: string): void => {
      const said = tail.trim() === '' ? '' : `; its last words: ${tail.trim().split('\n').slice(-3).join(' / ')}`
      reject(new RunError(`${command} ${how}${said}`, next))
    }
    child.on('error', (error) => {
      clearTimeout(timer)
      forget()
      fail(`could not be started: ${error.message}`)
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
