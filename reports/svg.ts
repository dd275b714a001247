import type { TopLevelSpec } from 'vega-lite'
import { PALETTE_PAGE, type Theme } from './page/theme.ts'
import { simplifyPath } from './path.ts'
import { seen } from './words.ts'

/**
 * Compiles a Vega-Lite chart and draws it as text: no canvas, no eval (expressions are interpreted), the same bytes for
 * the same chart. Vega is loaded on the first call.
 *
 * @param id makes the names inside the drawing unique, so that several can stand in one document
 */
export async function drawSvg(spec: TopLevelSpec, id: string): Promise<string> {
  const [{ compile }, vega, { expressionInterpreter }] = await Promise.all([
    import('vega-lite'),
    import('vega'),
    import('vega-interpreter'),
  ])
  const runtime = vega.parse(compile(spec, { logger: SILENT }).spec, undefined, { ast: true })
  const view = new vega.View(runtime, { expr: expressionInterpreter, renderer: 'none', logger: SILENT })
  try {
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

/** A drawing that needs no page around it: theme colours in place of the page's variables, on the theme's paper. */
export function standalone(svg: string, theme: Theme): string {
  const colours = PALETTE_PAGE[theme]
  let painted = svg.replaceAll('="currentColor"', `="${colours.ink}"`)
  for (const [name, colour] of Object.entries(colours))
    painted = painted.replaceAll(`="var(--${name})"`, `="${colour}"`)
  return painted.replace(/<svg[^>]*>/, (open) => `${open}<rect width="100%" height="100%" fill="${colours.paper}"/>`)
}

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
