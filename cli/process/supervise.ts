import { type ChildProcess, fork } from 'node:child_process'
import type { Probe } from '../../planner/execute/probe.ts'
import type { Executed } from '../../planner/result/run.ts'
import type { RunRequest } from '../../planner/run/setting.ts'
import type { EngineName } from '../../planner/trace/engine-names.ts'
import { EngineError, Interrupted, RunError, UsageError } from '../errors.ts'
import type { Progress } from '../output/progress.ts'
import type { StudyBody, StudyTask } from '../study/task.ts'
import { onStop } from './interrupt.ts'
import type { SentError, ToChild, ToParent } from './messages.ts'

export interface Watch {
  readonly onProgress?: (progress: Progress) => void
  readonly onTrace?: (lines: string) => void
  readonly signal?: AbortSignal
  /** What the child wrote on its own, for `--debug`. */
  readonly onOutput?: (text: string) => void
  /** Takes a line of the child's standard error; true where it is none of its last words. */
  readonly onLine?: (line: string) => boolean
  /** Set for the child beside what this process has. */
  readonly env?: Readonly<Record<string, string>>
  /** How long the child may say nothing before it counts as hanging; default: by what it is at. */
  readonly silenceMs?: number
}

/** Loading an engine takes seconds; one step of a large model on a slow engine many minutes. */
const SILENCE_MS = { load: 60_000, step: 60 * 60_000 } as const

/** The end of what a child wrote that is shown when it dies. */
const TAIL = 2000

/**
 * Runs one request in a process of its own, so that its heap, its backend and its crash are its own.
 *
 * @throws UsageError for a refusal, EngineError where the engine is not there, RunError for a failure, a crash or a hang, Interrupted
 */
export function runInChild(entry: URL, request: RunRequest, watch: Watch): Promise<Executed> {
  // the answer to a run
  return inChild(entry, { kind: 'run', request, trace: watch.onTrace !== undefined }, watch) as Promise<Executed>
}

/** Probes an engine in a process of its own: a broken library ends the process that loads it. @throws RunError where that happens */
export function probeInChild(entry: URL, engine: EngineName, watch: Watch = {}): Promise<Probe> {
  // the answer to a probe
  return inChild(entry, { kind: 'probe', engine }, watch) as Promise<Probe>
}

/** Runs a study in a process of its own; `onTrace` takes its runs. @throws as `runInChild` */
export function studyInChild(entry: URL, task: StudyTask, watch: Watch): Promise<StudyBody> {
  // the answer to a study
  return inChild(entry, { kind: 'study', task }, watch) as Promise<StudyBody>
}

function inChild(entry: URL, request: ToChild, watch: Watch): Promise<Executed | Probe | StudyBody> {
  return new Promise((resolve, reject) => {
    const child = fork(entry, [], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
      env: { ...process.env, ...watch.env },
    })
    let tail = ''
    let answer: (() => void) | undefined
    const forget = onStop(() => child.kill('SIGKILL'))
    const abort = (): void => void child.kill('SIGKILL')
    let hung: number | undefined
    let silence: NodeJS.Timeout | undefined
    const listen = (limitMs: number): void => {
      clearTimeout(silence)
      silence = setTimeout(() => {
        hung = limitMs
        abort()
      }, watch.silenceMs ?? limitMs)
    }
    listen(SILENCE_MS.load)
    if (watch.signal?.aborted) abort()
    watch.signal?.addEventListener('abort', abort, { once: true })
    const keep = (text: string): void => {
      tail = (tail + text).slice(-TAIL)
      watch.onOutput?.(text)
    }
    child.stdout?.setEncoding('utf8').on('data', keep)
    const { onLine } = watch
    child.stderr?.setEncoding('utf8').on('data', onLine ? byLine((line) => !onLine(line) && keep(`${line}\n`)) : keep)
    child.on('message', (message) => {
      // the child is our own file: see process/serve.ts
      const sent = message as ToParent
      if (sent.kind === 'progress') {
        listen(sent.progress.phase === 'load' ? SILENCE_MS.load : SILENCE_MS.step)
        watch.onProgress?.(sent.progress)
      } else if (sent.kind === 'trace') watch.onTrace?.(sent.lines)
      else if (sent.kind === 'done') answer = () => resolve(sent.result)
      else answer = () => reject(received(sent.error))
    })
    child.on('error', (error) => {
      answer ??= () => reject(new RunError(`the engine's process could not be started: ${error.message}`, ''))
      if (child.pid === undefined) settle()
    })
    child.on('close', (code, signal) => {
      answer ??= () =>
        reject(
          hung === undefined
            ? ended(code, signal, tail, watch.signal?.aborted === true)
            : new RunError(
                `the engine's process said nothing for ${(watch.silenceMs ?? hung) / 1000} s and was stopped`,
                HUNG,
              ),
        )
      settle()
    })
    function settle(): void {
      forget()
      clearTimeout(silence)
      watch.signal?.removeEventListener('abort', abort)
      answer?.()
    }
    tell(child, request)
  })
}

/** Chunks of text as whole lines. */
function byLine(take: (line: string) => void): (chunk: string) => void {
  let rest = ''
  return (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  }
}

const HUNG = 'Run again with --debug to see what it wrote, or take another engine.'

/** A child that is already gone is told of by its `close`, so a message that cannot be sent is no error of its own. */
function tell(child: ChildProcess, message: ToChild): void {
  child.send(message, () => undefined)
}

function received(error: SentError): Error {
  if (error.kind === 'refusal') {
    return new UsageError([{ where: error.where, message: error.message, next: error.next }])
  }
  if (error.kind === 'engine') return new EngineError(error.message, error.next)
  return new RunError(error.message, error.next, error.stack)
}

function ended(code: number | null, signal: string | null, tail: string, aborted: boolean): Error {
  if (aborted || signal === 'SIGINT') return new Interrupted('interrupted')
  const how = signal === null ? `ended with code ${code ?? '?'}` : `was killed by ${signal}`
  const said = tail.trim() === '' ? '' : `; its last words: ${tail.trim().split('\n').slice(-3).join(' / ')}`
  const next =
    signal === 'SIGKILL'
      ? 'Memory may have run out: try a smaller --seq-len, --batch-size or --layers.'
      : 'Run again with --debug to see all that it wrote.'
  return new RunError(`the engine's process ${how} before it answered${said}`, next)
}
