import { capacityOf, DEVICES, type Device } from '../../planner/devices/index.ts'
import { EXIT, type ExitCode, UsageError } from '../errors.ts'
import { resolveDevice } from '../gpus.ts'
import { grouped } from '../output/numbers.ts'
import { padEnd, wrap } from '../output/wrap.ts'
import type { Run } from '../usage/command.ts'
import { textArgument } from './arguments.ts'
import { type Context, contextOf, pageOf } from './context.ts'
import { checkOutputs, emit } from './emit.ts'

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'devices')
  await checkOutputs(context)
  const action = textArgument(args, 'action') || 'list'
  const name = textArgument(args, 'name')
  if (action === 'list' && name !== '') {
    const next = `Say devices show ${name}.`
    throw new UsageError([{ where: name, message: 'devices list takes no name', next }])
  }
  if (action === 'show' && name === '') {
    const next = '`tidemark devices` lists them.'
    throw new UsageError([{ where: 'devices show', message: 'needs a device', next }])
  }
  return action === 'show' ? show(context, name) : list(context)
}

/** A device as `--json` prints it: bytes and rates as numbers, the sources beside them. */
const documentOf = (d: Device) => ({
  name: d.name,
  product: d.product,
  aliases: d.aliases ?? [],
  vendor: d.vendor,
  capacity_bytes: capacityOf(d),
  marketed_gb: d.marketed,
  bandwidth_gb_s: d.gbps,
  tflops: {
    float32: d.tflops.float32,
    tensor_float32: d.tflops.tensorFloat32 ?? null,
    bfloat16: d.tflops.bfloat16 ?? null,
    float16: d.tflops.float16 ?? null,
  },
  capability: d.capability,
  note: d.note ?? null,
  sources: d.sources,
})

async function list(context: Context): Promise<ExitCode> {
  const { table } = await import('../output/table.ts')
  const columns = [
    { head: 'name', align: 'left' },
    { head: 'MiB', align: 'right' },
    { head: 'GB/s', align: 'right' },
    { head: 'bf16 TFLOP/s', align: 'right' },
    { head: 'float32', align: 'right' },
    { head: 'capability', align: 'left' },
  ] as const
  const rows = DEVICES.map((d) => [
    d.name,
    grouped(d.mib),
    grouped(d.gbps),
    String(d.tflops.bfloat16 ?? ''),
    String(d.tflops.float32),
    d.capability,
  ])
  const document = { schema: 'tidemark/devices@1', devices: DEVICES.map(documentOf) }
  emit(context, document, () => table(columns, rows, pageOf(context).width))
  return EXIT.done
}

async function show(context: Context, name: string): Promise<ExitCode> {
  const d = resolveDevice(name, 'devices show')
  const rate = (value: number | undefined) =>
    value === undefined ? 'no unit for it, or not published' : `${value} TFLOP/s`
  const rows: readonly (readonly [string, string])[] = [
    ['product', [d.product, ...(d.aliases ?? [])].join(', ')],
    ['memory', `${grouped(d.mib)} MiB as the driver reports it, ${d.marketed} GB on the box`],
    ['bandwidth', `${grouped(d.gbps)} GB/s`],
    ['float32', rate(d.tflops.float32)],
    ['tf32', rate(d.tflops.tensorFloat32)],
    ['bfloat16', rate(d.tflops.bfloat16)],
    ['float16', rate(d.tflops.float16)],
    ['capability', d.capability],
    ['note', d.note ?? ''],
    ['from', [...new Set(Object.values(d.sources))].join(' · ')],
  ]
  emit(context, { schema: 'tidemark/device@1', ...documentOf(d) }, () => {
    const { width } = pageOf(context)
    const lines = rows
      .filter(([, value]) => value !== '')
      .map(([label, value]) => wrap(`${padEnd(label, 11)}${value}`, width, ' '.repeat(11)))
    return [d.name, ...lines].join('\n')
  })
  return EXIT.done
}
