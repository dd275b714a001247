import type { TraceEvent } from '../planner/trace/event.ts'
import type { Origin, Reportable, TraceSource } from '../reports/index.ts'
import { rasterize } from './files/png.ts'

/** Formats that are made from a result's tables. */
export const RESULT_FORMATS = ['html', 'md', 'csv', 'svg', 'png'] as const
export type ResultFormat = (typeof RESULT_FORMATS)[number]

/** Formats that are made from events: a trace's, or those of a result that is planned again. */
export const EVENT_FORMATS = ['chrome-trace', 'torch-snapshot'] as const
export type EventFormat = (typeof EVENT_FORMATS)[number]

/** Writes a result in a format that is no page (pages.ts). The charts are loaded only when something is written. */
export async function renderResult(
  result: Reportable,
  format: Exclude<ResultFormat, 'html'>,
): Promise<string | Uint8Array> {
  const reports = await import('../reports/index.ts')
  switch (format) {
    case 'md':
      return reports.renderMarkdown(result)
    case 'csv':
      return reports.renderCsv(result)
    case 'svg':
      return reports.renderSvg(result)
    case 'png':
      return rasterize(await reports.renderSvg(result))
  }
}

/** A trace for Perfetto or chrome://tracing, a process each source. */
export async function renderChromeTrace(sources: readonly TraceSource[]): Promise<string> {
  const reports = await import('../reports/index.ts')
  return reports.renderChromeTrace(sources)
}

/** A memory snapshot as PyTorch writes it, of what a stack or an engine does. */
export async function renderTorchSnapshot(events: readonly TraceEvent[], of: Origin): Promise<Uint8Array> {
  const reports = await import('../reports/index.ts')
  return reports.renderTorchSnapshot(events, of)
}
