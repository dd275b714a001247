import type { Executed } from '../../planner/result/run.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import type { SentError, ToChild, ToParent, Work } from './messages.ts'
import { endWithParent } from './orphan.ts'

/** Trace lines travel together: one message each would cost more than the step. */
const LINES_A_MESSAGE = 512

/** The child's side: does the one thing it is sent, reports, and ends. It ends too when the parent is gone. */
export function serve(work: Work): void {
  process.on('disconnect', () => process.exit(1))
  endWithParent()
  // the terminal sends Ctrl-C to both: the parent decides, and kills this process
  process.on('SIGINT', () => undefined)
  process.once('message', (message) => {
    // only the parent holds the other end of this channel
    void answer(message as ToChild, work)
  })
}

async function answer(message: ToChild, work: Work): Promise<void> {
  try {
    await sendLast({ kind: 'done', result: await resultOf(message, work) })
  } catch (error) {
    await sendLast({ kind: 'failed', error: sentError(error) })
  }
  process.disconnect()
}

async function resultOf(message: ToChild, work: Work): Promise<Extract<ToParent, { kind: 'done' }>['result']> {
  switch (message.kind) {
    case 'run':
      return runFor(message, work)
    case 'probe':
      return (await work.probe())(message.engine)
    case 'study':
      return (await work.study())(message.task, {
        onProgress: (progress) => send({ kind: 'progress', progress }),
        onTrace: (line) => send({ kind: 'trace', lines: `${line}\n` }),
      })
  }
}

async function runFor({ request, trace }: Extract<ToChild, { kind: 'run' }>, work: Work): Promise<Executed> {
  let lines: string[] = []
  const flush = (): void => {
    if (lines.length > 0) send({ kind: 'trace', lines: `${lines.join('\n')}\n` })
    lines = []
  }
  const onTrace = (line: string): void => {
    lines.push(line)
    if (lines.length >= LINES_A_MESSAGE) flush()
  }
  const run = await work.run()
  const executed = await run(request, {
    onProgress: (progress) => send({ kind: 'progress', progress }),
    ...(trace ? { onTrace } : {}),
  })
  flush()
  return executed
}

const send = (message: ToParent): void => void process.send?.(message)

/** Waits until the message has left: the process ends after it. */
function sendLast(message: ToParent): Promise<void> {
  return new Promise((done) => {
    process.removeAllListeners('disconnect')
    process.send?.(message, undefined, undefined, () => done())
  })
}

/** Codes that say that the engine is not there or cannot hold the step; any other is a step that failed. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  'engine-unavailable',
  'engine-too-small',
  'unknown-engine',
  'engine-not-loaded',
  'engine-busy',
  'out-of-memory',
])

/** An error as it crosses the border. */
export function sentError(error: unknown): SentError {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const message = error instanceof Error ? error.message : String(error)
  // a refusal of the planner, or an engine's error: both say what, where and what to do next
  const code = textOf(error, 'code') ?? ''
  const where = textOf(error, 'where') ?? ''
  const next = textOf(error, 'next') ?? 'Run again with --debug to see where it failed.'
  const isInput = error instanceof Refusal && !code.startsWith('engine')
  const kind = UNAVAILABLE.has(code) ? 'engine' : isInput ? 'refusal' : 'failure'
  return { kind, message, where, next, stack }
}

function textOf(error: unknown, field: string): string | undefined {
  const value: unknown = error instanceof Error ? Reflect.get(error, field) : undefined
  return typeof value === 'string' ? value : undefined
}
