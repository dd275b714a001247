import { formatBytes } from '../../planner/trace/bytes.ts'
import type { PlanView } from '../view/plan.ts'
import { digits, methodName, signedBytes } from '../words.ts'
import { fence, table, text } from './markdown-text.ts'

/** A plan's answer and tables. */
export function planMarkdown(view: PlanView): string {
  const { body, options } = view
  const front = options.map((o) => [
    String(o.number),
    text(methodName(o.method)),
    formatBytes(o.bytes),
    `× ${o.time.toFixed(2)}`,
    digits(o.trains, ','),
    o.steps
      .map((s) => `${text(s.change)}: ${signedBytes(s.bytes)}${s.time === '' ? '' : `, ${s.time}`}`)
      .join('<br>') || 'as it was asked for',
  ])
  const maxima = body.maxima.map((m) => [m.knob, m.value === null ? 'none' : digits(m.value, ','), text(m.because)])
  const blocks = [
    `## ${text(view.title)}`,
    `${text(view.model)} · ${text(view.setting)}  \n${text(view.stack)}`,
    [`**${text(view.answer.lead)}**`, ...view.answer.more.map(text)].join('\n\n'),
    front.length === 0
      ? ''
      : `### What fits\n\nBytes: simulated. Time, by that of the setting asked for: ${text(body.search?.time_basis ?? '')}.\n\n${table(['#', 'method', 'allocated', 'time', 'trains', 'changes'], front)}`,
    maxima.length === 0 ? '' : `### How far each size goes\n\n${table(['size', 'largest', 'because'], maxima)}`,
    `### Reproduce\n\n${fence(view.command)}`,
    view.warnings.length === 0 ? '' : `### Warnings\n\n${view.warnings.map((w) => `- ${text(w)}`).join('\n')}`,
    `*${text(view.tool)}*`,
  ]
  return `${blocks.filter((b) => b !== '').join('\n\n')}\n`
}
