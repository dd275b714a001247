import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EngineError } from '../errors.ts'
import { rasterize } from './png.ts'

const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10" fill="#0072b2"/></svg>'
const there = await import('@resvg/resvg-js').then(
  () => true,
  () => false,
)

test('without the optional package the error says what to type', async () => {
  const missing = () => Promise.reject(new Error('Cannot find package'))
  const error = await rasterize(SVG, missing).catch((e: unknown) => e)
  assert.instance(error, EngineError)
  assert.match((error as EngineError).next, /npm install @resvg\/resvg-js/)
})

test('a PNG of twice the size', async () => {
  // optional: some platforms have no build of it
  if (!there) return
  const png = Buffer.from(await rasterize(SVG))
  assert.is(png.subarray(1, 4).toString(), 'PNG')
  assert.equal([png.readUInt32BE(16), png.readUInt32BE(20)], [40, 20])
})

test.run()
