import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { tidemark } from '../testing/binary.ts'
import { openChromium, openPage } from '../testing/chromium.ts'

// A real browser opens the page of two studies from the disk.

/** Pictures to look at; the folder is ignored by git. */
const SHOTS = fileURLToPath(new URL('../../../.shots/', import.meta.url))
const STUDY = fileURLToPath(new URL('../../../fixtures/golden/study.json', import.meta.url))

const browser = await openChromium()
if (typeof browser === 'string') {
  console.log(`# skipped: the page of a study was tried in no browser, since ${browser}`)
  const skipped = suite('study page')
  skipped('a browser is not here', () => assert.type(browser, 'string'))
  skipped.run()
} else {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-study-page-'))
  const file = join(folder, 'studies.html')
  mkdirSync(SHOTS, { recursive: true })
  const test = suite('study page')
  test.before(async () => {
    const { status, stderr } = await tidemark(['report', STUDY, STUDY, '-o', file])
    assert.is(status, 0, stderr)
  })
  test.after(async () => {
    await browser.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** What the page may not do. */
  const wrong: string[] = []
  const open = (options: BrowserContextOptions = {}): Promise<Page> => openPage(browser, file, wrong, options)

  for (const [width, scheme] of [
    [1280, 'dark'],
    [1280, 'light'],
    [768, 'light'],
    [360, 'dark'],
    [360, 'light'],
  ] as const) {
    test(`nothing is cut off at ${width} pixels, ${scheme}`, async () => {
      const page = await open({ viewport: { width, height: 800 }, colorScheme: scheme })
      for (const summary of await page.$$('summary')) await summary.click()
      const spill = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
      assert.ok(spill <= 0, `the page is ${spill} pixels wider than the screen`)
      const [drawn, cut] = await page.$$eval('.chart svg', (all) => {
        const texts = all.flatMap((svg) => {
          const box = svg.getBoundingClientRect()
          if (box.width === 0) return []
          return [...svg.querySelectorAll('text')].map((t) => {
            const r = t.getBoundingClientRect()
            const inside = r.left >= box.left - 1 && r.right <= box.right + 1
            return { inside: inside && r.top >= box.top - 1 && r.bottom <= box.bottom + 1, text: t.textContent }
          })
        })
        return [texts.length, texts.filter((t) => !t.inside).map((t) => t.text)] as const
      })
      assert.ok(drawn > 100, `${drawn} texts`)
      assert.equal(cut, [])
      await page.screenshot({ path: join(SHOTS, `study-${width}-${scheme}.png`), fullPage: true })
      await page.close()
    })
  }

  test('tables sort, charts and figures are handed out, and nothing was asked or complained of', async () => {
    const page = await open()
    await page.locator('#quality-t thead button').nth(2).click()
    const losses = await page.$$eval('#quality-t tbody td:nth-child(3)', (all) =>
      all.map((cell) => Number(cell.getAttribute('data-v'))),
    )
    assert.equal(
      losses,
      [...losses].sort((a, b) => b - a),
    )
    const get = async (selector: string): Promise<string> => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(selector)])
      return readFileSync(await download.path(), 'utf8')
    }
    assert.equal(JSON.parse(await get('#trust [data-do=json]')), JSON.parse(readFileSync(STUDY, 'utf8')))
    assert.match(await get('#r1-trust [data-do=csv]'), /^model,task,engine,method,/)
    assert.match(await get('#heat [data-do=svg]'), /^<svg [^>]*xmlns=/)
    await page.click('#studies a')
    assert.match(page.url(), /#head$/)
    await page.close()
    assert.ok(statSync(file).size < 2_000_000)
    assert.equal(wrong, [])
  })

  test.run()
}
