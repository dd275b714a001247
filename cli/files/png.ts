import { EngineError } from '../errors.ts'

const SCALE = 2

/**
 * Draws an SVG as a PNG of twice its size. Uses the fonts of this machine.
 *
 * @throws EngineError where the optional package is not installed
 */
export async function rasterize(svg: string, load = () => import('@resvg/resvg-js')): Promise<Uint8Array> {
  const resvg = await load().catch(() => null)
  if (resvg === null)
    throw new EngineError(
      'png needs the optional package @resvg/resvg-js',
      'Type `npm install @resvg/resvg-js`, or take svg.',
    )
  const image = new resvg.Resvg(svg, {
    fitTo: { mode: 'zoom', value: SCALE },
    font: { defaultFontFamily: 'sans-serif' },
  })
  return image.render().asPng()
}
