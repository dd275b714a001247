import { z } from 'zod'
import { CATEGORIES, type TraceEvent } from '../../planner/trace/event.ts'
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
    device: z.enum(['device', 'host']),
    category,
  }),
  z.object({ ...common, action: z.literal('save'), why: z.string(), axes, dtype: z.string() }),
  z.object({ ...common, action: z.literal('retag'), category }),
  z.object({ ...common, action: z.enum(['unsave', 'read', 'free', 'bind', 'unbind']) }),
])

/** A trace in JSON Lines: a header, then events. @throws UsageError at the first line that is none */
export function parseTrace(text: string, path: string): { name: string; events: TraceEvent[] } {
  const [head = '', ...lines] = text.split('\n')
  const header = json(head, path, 1)
  const runtime =
    header !== null && typeof header === 'object' && 'runtime' in header ? String(header.runtime) : 'trace'
  const events: TraceEvent[] = []
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue
    const parsed = Line.safeParse(json(line, path, i + 2))
    if (!parsed.success) throw problem(path, i + 2, parsed.error.issues[0]?.message ?? 'is no event')
    // the schema's shapes are those of TraceEvent; a dtype is only shown
    events.push(parsed.data as TraceEvent)
  }
  return { name: runtime, events }
}

function json(line: string, path: string, at: number): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw problem(path, at, 'is not JSON')
  }
}

const problem = (path: string, at: number, message: string): UsageError =>
  new UsageError([{ where: `${path}:${at}:1`, message, next: 'Give a trace that `tidemark run --trace` wrote.' }])
