import { describeDimensions } from '../../models/describe.ts'
import { catalogEntry, listModels } from '../../models/index.ts'
import { ModelError } from '../../models/issue.ts'
import { EXIT, type ExitCode, UsageError } from '../errors.ts'
import { resolveModel } from '../model/resolve.ts'
import { grouped } from '../output/numbers.ts'
import { problemsOf } from '../problems.ts'
import type { Run } from '../usage/command.ts'
import { textArgument } from './arguments.ts'
import { type Context, contextOf, pageOf } from './context.ts'
import { checkOutputs, emit } from './emit.ts'

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'models')
  await checkOutputs(context)
  const action = textArgument(args, 'action') || 'list'
  const name = textArgument(args, 'name')
  const needed = action === 'show' || action === 'check' || action === 'explain'
  if (needed && name === '') throw missing(action)
  if (!needed && name !== '') {
    throw new UsageError([{ where: name, message: `models ${action} takes no name`, next: `Say models show ${name}.` }])
  }
  switch (action) {
    case 'show':
      return show(context, name)
    case 'check':
      return check(context, name)
    case 'schema':
      return schema(context)
    case 'explain':
      return explain(context, name)
    default:
      return list(context)
  }
}

const missing = (action: string): UsageError =>
  new UsageError([
    {
      where: `models ${action}`,
      message: action === 'explain' ? 'needs a topic' : 'needs a model',
      next: action === 'explain' ? 'Say models explain lora-fa.' : '`tidemark models list` shows the catalog.',
    },
  ])

async function list(context: Context): Promise<ExitCode> {
  const { table } = await import('../output/table.ts')
  const entries = listModels().map((name) => ({ name, ...catalogEntry(name)! }))
  const document = {
    schema: 'tidemark/models@1',
    models: entries.map(({ name, repository, parameters, stackParameters, config }) => ({
      name,
      repository,
      model_type: config.model_type,
      parameters,
      ...(stackParameters === undefined ? {} : { stack_parameters: stackParameters }),
    })),
  }
  const rows = entries.map((e) => [e.name, String(e.config.model_type), grouped(e.parameters), e.repository])
  const columns = [
    { head: 'name', align: 'left' },
    { head: 'type', align: 'left' },
    { head: 'parameters', align: 'right' },
    { head: 'published as', align: 'left' },
  ] as const
  emit(context, document, () => table(columns, rows, pageOf(context).width))
  return EXIT.done
}

async function show(context: Context, name: string): Promise<ExitCode> {
  const { table } = await import('../output/table.ts')
  const { task, layers } = context.values
  const { spec, source } = await resolveModel(name, { task, layers }, context.terminal.env)
  const { provenance, ...fields } = spec
  const entry = catalogEntry(name)
  const dimensions = describeDimensions(spec)
  const document = { schema: 'tidemark/model-spec@1', source, spec: fields, dimensions, provenance }
  const shown = Object.entries(fields).filter(([, value]) => typeof value !== 'object' || value === null)
  const rows = shown.map(([field, value]) => {
    const origin = provenance[field]
    return [field, String(value), origin === undefined ? '' : `${origin.source}: ${origin.key}`]
  })
  const columns = [
    { head: 'field', align: 'left' },
    { head: 'value', align: 'right' },
    { head: 'from', align: 'left' },
  ] as const
  emit(context, document, () =>
    [
      `${spec.name} · ${spec.architecture} · ${source}${entry ? ` · ${grouped(entry.parameters)} parameters` : ''}`,
      Object.entries(dimensions)
        .map(([symbol, size]) => `${symbol} = ${size}`)
        .join(', '),
      '',
      table(columns, rows, pageOf(context).width),
    ].join('\n'),
  )
  return EXIT.done
}

/** Tells everything that is wrong with a file; says so where nothing is. */
async function check(context: Context, name: string): Promise<ExitCode> {
  const { task, layers } = context.values
  try {
    const { spec, source } = await resolveModel(name, { task, layers }, context.terminal.env)
    const document = { schema: 'tidemark/model-check@1', source, ok: true, issues: [] }
    emit(context, document, () => `${source}: ${spec.architecture}, nothing wrong`)
    return EXIT.done
  } catch (error) {
    if (context.values.json !== true) throw error
    const issues = error instanceof ModelError ? error.issues : problemsOf(error)
    emit(context, { schema: 'tidemark/model-check@1', source: name, ok: false, issues }, () => '')
    return EXIT.usage
  }
}

async function schema(context: Context): Promise<ExitCode> {
  const { toJsonSchema } = await import('../../models/description-schema.ts')
  const document = toJsonSchema()
  emit(context, document, () => JSON.stringify(document, null, 2))
  return EXIT.done
}

async function explain(context: Context, topic: string): Promise<ExitCode> {
  const { explanation } = await import('../explain/index.ts')
  const text = explanation(topic)
  emit(context, { schema: 'tidemark/explanation@1', topic, text }, () => text)
  return EXIT.done
}
