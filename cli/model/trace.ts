import { z } from 'zod'
import { CATEGORIES, DEVICES, type TraceEvent } from '../../planner/trace/event.ts'
import { UsageError } from '../errors.ts'

const axes = z.array(z.object({ name: z.string(), size: z.number() }))
const common = {
  seq: z.int(),
  step: z.int(),
  phase: z.enum(['static', 'forward', 'backward', 'optimizer']),
  scope: z.string(),
  op: z.string(),
  storage: z.int(),
  bytes: z.number(),
}
const category = z.enum(CATEGORIES)
const Line = z.discriminatedUnion('action', [
  z.object({
    ...common,
    action: z.literal('alloc'),
    axes,
    dtype: z.string(),
    device: z.enum(DEVICES),
    category,
  }),
  z.object({ ...common, action: z.literal('save'), why: z.string(), axes, dtype: z.string() }),
  z.object({ ...common, action: z.literal('retag'), category }),
  z.object({ ...common, action: z.enum(['unsave', 'read', 'free', 'bind', 'unbind']) }),
])

const Header = z.looseObject({
  runtime: z.string().default('trace'),
  /** A run's trace has no such word; it carries the hash of its prediction. */
  kind: z.enum(['predicted', 'measured']).default('measured'),
})

/** A trace that was saved. */
export interface SavedTrace {
  /** The stack or the engine that its events are of. */
  readonly runtime: string
  readonly kind: 'predicted' | 'measured'
  readonly events: TraceEvent[]
}

/** A trace in JSON Lines: a header, then events. @throws UsageError at the first line that is none */
export function parseTrace(text: string, path: string): SavedTrace {
  const [head = '', ...lines] = text.split('\n')
  const header = Header.safeParse(json(head, path, 1))
  if (!header.success) throw problem(path, 1, header.error.issues[0]?.message ?? 'is no header')
  const events: TraceEvent[] = []
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue
    const parsed = Line.safeParse(json(line, path, i + 2))
    if (!parsed.success) throw problem(path, i + 2, parsed.error.issues[0]?.message ?? 'is no event')
    // the schema's shapes are those of TraceEvent; a dtype is only shown
    events.push(parsed.data as TraceEvent)
  }
  const { runtime, kind } = header.data
  return { runtime, kind, events }
}

function json(line: string, path: string, at: number): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw problem(path, at, 'is not JSON')
  }
}

const problem = (path: string, at: number, message: string): UsageError =>
  new UsageError([
    {
      where: `${path}:${at}:1`,
      message,
      next: 'Give a trace that `tidemark run --trace` or `estimate --trace` wrote.',
    },
  ])
