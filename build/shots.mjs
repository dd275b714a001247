// Takes the README's picture of a report, docs/report.png, and the report's pictures to look at, .shots/*.png. `npm run shots`
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { tidemark, inFolder } = await import(join(root, 'dist/cli/testing/binary.js'))
const { openChromium } = await import(join(root, 'dist/cli/testing/chromium.js'))

/** The README's example. */
const EXAMPLE = 'compare llama-2-7b -s 1024 -r 16 --target-modules all-linear --dtype bfloat16 --gpu rtx4090'.split(' ')

const browser = await openChromium()
if (typeof browser === 'string') throw new Error(browser)
await inFolder(async (folder) => {
  const file = join(folder, 'report.html')
  const { status, stderr } = await tidemark([...EXAMPLE, '--report', file, '--quiet'])
  if (status !== 0) throw new Error(stderr)
  mkdirSync(join(root, '.shots'), { recursive: true })
  const take = async (name, width, height, colorScheme, fullPage) => {
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme,
      deviceScaleFactor: fullPage ? 1 : 1.5,
    })
    await page.goto(`file://${file}`)
    await page.waitForSelector('.panel')
    if (fullPage) await page.evaluate("document.querySelector('.panel').open = false")
    await page.waitForTimeout(300)
    await page.screenshot({ path: join(root, name), fullPage })
    await page.close()
  }
  await take('docs/report.png', 1160, 800, 'light', false)
  for (const width of [1280, 768, 360])
    for (const scheme of ['light', 'dark']) await take(`.shots/page-${width}-${scheme}.png`, width, 800, scheme, true)
})
await browser.close()
