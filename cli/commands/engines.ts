import { totalmem } from 'node:os'
import { ENGINE_TABLE } from '../../planner/execute/engines/table.ts'
import { ENGINE_NAMES, type EngineName } from '../../planner/trace/engine-names.ts'
import { EXIT, UsageError } from '../errors.ts'
import { bytesIn } from '../output/numbers.ts'
import { type Column, table } from '../output/table.ts'
import { CHILD } from '../process/execute.ts'
import { probeInChild } from '../process/supervise.ts'
import type { Run } from '../usage/command.ts'
import { INSTALLABLE } from '../usage/engines.ts'
import { textArgument } from './arguments.ts'
import { type Context, contextOf, pageOf } from './context.ts'
import { checkOutputs, emit } from './emit.ts'

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'engines')
  await checkOutputs(context)
  const action = textArgument(args, 'action') || 'list'
  const what = textArgument(args, 'what')
  refuseMisplaced(action, what, context)
  if (action === 'install') return what === 'webgpu' ? installsWebgpu(context) : install(context)
  if (action === 'doctor') return doctor(context)
  return list(context)
}

function refuseMisplaced(action: string, what: string, { values }: Context): void {
  const refuse = (where: string, message: string, next: string): never => {
    throw new UsageError([{ where, message, next }])
  }
  if (action === 'install' && what === '')
    refuse('engines install', 'needs what to install', `Say engines install ${INSTALLABLE.join(' or ')}.`)
  if (action !== 'install' && what !== '') refuse(`engines ${action}`, `takes no ${what}`, 'Leave it out.')
  if (what !== 'tensorflow' && values.cuda !== undefined)
    refuse('--gpu', 'belongs to engines install tensorflow', 'Leave it out.')
}

const COLUMNS: readonly Column[] = [
  { head: 'engine', align: 'left' },
  { head: 'here', align: 'left' },
  { head: '', align: 'left' },
]
const MEASURED: readonly Column[] = [
  ...COLUMNS,
  { head: 'memory', align: 'right' },
  { head: 'GFLOP/s', align: 'right' },
]

/** Why an engine is not there, and what to type. */
const remedy = (why: string, next: string): string => (next === '' ? why : `${why}: ${next}`)

/** What seems to be there, without loading anything. */
async function list(context: Context): Promise<typeof EXIT.done> {
  const found = await Promise.all(
    ENGINE_NAMES.map(async (name) => {
      const { describe, missing, install } = ENGINE_TABLE[name]
      const why = await missing()
      return { name, available: why === null, note: why === null ? describe : remedy(why, install ?? '') }
    }),
  )
  const rows = found.map((e) => [e.name, e.available ? 'yes' : 'no', e.note])
  const document = { schema: 'tidemark/engines@1', engines: found }
  emit(context, document, () => table(COLUMNS, rows, pageOf(context).width))
  return EXIT.done
}

/** Loads each engine in a process of its own, proves it and measures it. */
async function doctor(context: Context): Promise<typeof EXIT.done> {
  const found = []
  for (const name of ENGINE_NAMES) {
    context.terminal.mention(name)
    found.push(await diagnose(name))
  }
  const bytes = bytesIn(context.values.unit)
  const rows = found.map((e) =>
    e.ok
      ? [e.name, 'yes', e.device, roomOf(e, bytes), e.gflops.toFixed(1)]
      : [e.name, 'no', remedy(e.why, e.next), '', ''],
  )
  const document = { schema: 'tidemark/engines-doctor@1', engines: found }
  emit(context, document, () => table(MEASURED, rows, pageOf(context).width))
  return EXIT.done
}

/** A device's memory is not the machine's: where the engine does not tell it, nobody does. */
function roomOf({ name, limitBytes }: Extract<Diagnosis, { ok: true }>, bytes: (n: number) => string): string {
  if (limitBytes !== null) return bytes(limitBytes)
  return ENGINE_TABLE[name].memory === 'host' ? bytes(totalmem()) : 'not told'
}

type Diagnosis =
  | Extract<Awaited<ReturnType<typeof probeInChild>>, { ok: true }>
  | { readonly name: string; readonly ok: false; readonly why: string; readonly next: string }

/** What is missing is not tried; what ends its process is told like what refuses. */
async function diagnose(name: (typeof ENGINE_NAMES)[number]): Promise<Diagnosis> {
  const { missing, install } = ENGINE_TABLE[name]
  const next = install === null ? '' : install
  const why = await missing()
  if (why !== null) return { name, ok: false, why, next }
  try {
    const probe = await probeInChild(CHILD, name)
    return probe.ok ? probe : { name, ok: false, why: probe.why, next: probe.next }
  } catch (error) {
    return { name, ok: false, why: error instanceof Error ? error.message : String(error), next }
  }
}

async function install(context: Context): Promise<typeof EXIT.done> {
  const { terminal, values } = context
  const variant = values.cuda === true ? 'gpu' : 'cpu'
  const { installTensorflow } = await import('../tensorflow/install.ts')
  const { home } = await installTensorflow(variant, terminal.env, (line) => terminal.say(line))
  const engine = variant === 'gpu' ? 'tfjs-node-gpu' : 'tfjs-node'
  return ready(context, engine, home)
}

async function installsWebgpu(context: Context): Promise<typeof EXIT.done> {
  const { terminal } = context
  const { installWebgpu } = await import('../webgpu/install.ts')
  const home = await installWebgpu(terminal.env, (line) => terminal.say(line))
  return ready(context, 'webgpu', home)
}

function ready(context: Context, engine: EngineName, folder: string): typeof EXIT.done {
  const document = { schema: 'tidemark/engines-install@1', engine, folder }
  emit(context, document, () => `${engine} is ready: say --engine ${engine}`)
  return EXIT.done
}
