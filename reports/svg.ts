import type { TopLevelSpec } from 'vega-lite'
import { PALETTE_PAGE, type Theme } from './page/theme.ts'

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

/** Coordinates to a tenth of a pixel, names made unique. */
function tidy(svg: string, id: string): string {
  return svg
    .replace(/ (?:d|transform|x|y|x1|x2|y1|y2|width|height)="[^"]*"/g, (attribute) =>
      attribute.replace(/-?\d+\.\d+(?:e-?\d+)?/g, (n) => String(Math.round(Number(n) * 10) / 10)),
    )
    .replace(/\b(id="|url\(#|href="#)/g, `$1${id}-`)
}

/** A drawing that needs no page around it: theme colours in place of the page's variables, on the theme's paper. */
export function standalone(svg: string, theme: Theme): string {
  const colours = PALETTE_PAGE[theme]
  const painted = svg
    .replace(/var\(--([a-z]+)\)/g, (whole, name: string) =>
      Object.hasOwn(colours, name) ? colours[name as keyof typeof colours] : whole,
    )
    .replaceAll('currentColor', colours.ink)
  return painted.replace(/(<svg[^>]*>)/, `$1<rect width="100%" height="100%" fill="${colours.paper}"/>`)
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
