import type { Spec } from 'vega'
import type { Chart } from './charts/chart.ts'
import { fillView } from './charts/fill.ts'
import { SPECS } from './charts/specs.ts'
import { simplifyPath } from './path.ts'
import { seen } from './words.ts'

const compiled = new Map<string, Promise<Spec>>()

/** A drawing's Vega specification, without data; Vega-Lite is loaded on the first call. */
export function compileSpec(kind: Chart['kind'], size: Chart['size']): Promise<Spec> {
  const key = `${kind}:${size}`
  const spec =
    compiled.get(key) ?? import('vega-lite').then((v) => v.compile(SPECS[kind](size), { logger: SILENT }).spec)
  compiled.set(key, spec)
  return spec
}

/**
 * Draws a chart as text: no canvas, no eval (expressions are interpreted), the same bytes for the same chart. Vega is loaded on
 * the first call.
 *
 * @param id makes the names inside the drawing unique, so that several can stand in one document
 */
export async function drawSvg(chart: Chart, id: string): Promise<string> {
  const [spec, vega, { expressionInterpreter }] = await Promise.all([
    compileSpec(chart.kind, chart.size),
    import('vega'),
    import('vega-interpreter'),
  ])
  const runtime = vega.parse(spec, undefined, { ast: true })
  const view = new vega.View(runtime, { expr: expressionInterpreter, renderer: 'none', logger: SILENT })
  try {
    fillView(view, chart)
    return tidy(await view.toSVG(), id)
  } finally {
    view.finalize()
  }
}

/** Coordinates to a tenth of a pixel, names made unique, roles left to the page. Text between the tags stays as it is. */
function tidy(svg: string, id: string): string {
  return seen(svg)
    .replace(/<[a-z][^>]*>/g, (tag) =>
      tag
        .replace(/ d="([^"]*)"/g, (_, d: string) => ` d="${simplifyPath(d)}"`)
        .replace(/ (?:transform|x|y|x1|x2|y1|y2|width|height)="[^"]*"/g, tenths)
        .replace(
          / (?:role|aria-roledescription|aria-hidden|pointer-events|opacity)="(?:graphics-\w+|[\w -]*container|true|none|1)"/g,
          '',
        )
        .replace(/ (id="|[\w-]+="url\(#|(?:xlink:)?href="#)/g, ` $1${id}-`),
    )
    .replace(/<path class="(?:background|foreground)" d="[^"]*"(?: display="none")?\/>/g, '')
}

const tenths = (attribute: string): string =>
  attribute.replace(/-?\d+\.\d+(?:e-?\d+)?/g, (n) => String(Math.round(Number(n) * 10) / 10))

const nothing = () => SILENT
/** The tool prints nothing of its libraries': a chart that Vega-Lite cannot compile throws. */
const SILENT = {
  level: nothing,
  error(...message: readonly unknown[]): never {
    throw new Error(`chart: ${message.join(' ')}`)
  },
  warn: nothing,
  info: nothing,
  debug: nothing,
}
