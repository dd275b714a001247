import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { EstimateBody } from '../../planner/result/estimate.ts'
import { tidemark } from '../testing/binary.ts'
import { openChromium, openPage } from '../testing/chromium.ts'

// A real browser opens the page from the disk, changes it, and finds what the command line prints.

/** Pictures to look at; the folder is ignored by git. */
const SHOTS = fileURLToPath(new URL('../../../.shots/', import.meta.url))
const MODEL = 'llama-2-7b'
const SETTING = ['-s', '1024', '-r', '16', '--target-modules', 'all-linear', '--dtype', 'bfloat16', '--gpu', 'rtx4090']

const browser = await openChromium()
if (typeof browser === 'string') {
  console.log(`# skipped: the page was tried in no browser, since ${browser}`)
  const skipped = suite('page')
  skipped('a browser is not here', () => assert.type(browser, 'string'))
  skipped.run()
} else {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-page-'))
  const file = join(folder, 'report.html')
  mkdirSync(SHOTS, { recursive: true })
  const test = suite('page')
  test.after(async () => {
    await browser.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** What the page may not do. */
  const wrong: string[] = []

  const open = async (address: string, options: BrowserContextOptions = {}): Promise<Page> => {
    const page = await openPage(browser, address, wrong, options)
    await page.waitForSelector('.panel')
    return page
  }

  /** Exact bytes in the table under the bars, a row a method: parts and, last, the peak. */
  const peaks = (page: Page): Promise<number[]> =>
    page.$$eval('#bars-t tbody tr', (rows) =>
      rows.map((row) => Number([...row.querySelectorAll('data')].at(-1)?.getAttribute('value'))),
    )

  /** The page's policy forbids the eval that Playwright's own waiting for a condition needs. */
  async function until(page: Page, condition: string): Promise<void> {
    for (let i = 0; i < 500; i++) {
      if (await page.evaluate<boolean>(condition)) return
      await page.waitForTimeout(10)
    }
    throw new Error(`never: ${condition}`)
  }

  /** Until the device has its say too. */
  const settled = (page: Page, words: string): Promise<void> =>
    until(
      page,
      `document.querySelector('[aria-busy]') === null && document.getElementById('panel-now').textContent.includes(${JSON.stringify(words)})`,
    )

  async function bodies(flags: readonly string[]): Promise<EstimateBody[]> {
    const { stdout } = await tidemark(['compare', MODEL, ...flags, '--json', '-q'])
    return JSON.parse(stdout).result.methods.map((m: { estimate: EstimateBody }) => m.estimate)
  }

  test('a change shows what the command line prints, from the answer down to the command itself', async () => {
    const { status } = await tidemark(['compare', MODEL, ...SETTING, '--report', file, '-q'])
    assert.is(status, 0)
    assert.ok(statSync(file).size < 2_000_000)
    const page = await open(file)
    await page.screenshot({ path: join(SHOTS, 'first.png') })
    const before = await bodies(SETTING)
    assert.equal(
      await peaks(page),
      before.map((b) => b.peak.bytes),
    )

    await page.fill('#c-batch_size', '2')
    await page.selectOption('#c-gradient_checkpointing', 'non-reentrant')
    await page.check('input[name=methods][value=dora]')
    await settled(page, 'DoRA')
    const flags = [
      ...SETTING,
      '-b',
      '2',
      '--gradient-checkpointing',
      'non-reentrant',
      '--methods',
      'full,lora,lora-fa,dora',
    ]
    const after = await bodies(flags)
    assert.equal(
      await peaks(page),
      after.map((b) => b.peak.bytes),
    )
    // the command that the page shows is one that prints the same
    const command = (await page.textContent('#command'))!.split(' ').slice(2)
    const typed = await bodies(command.slice(1))
    assert.equal(
      typed.map((b) => b.timeline),
      after.map((b) => b.timeline),
    )
    await page.screenshot({ path: join(SHOTS, 'changed.png'), fullPage: true })

    // the address says it all: another page from it is the same
    const again = await open(`${file}${new URL(page.url()).hash}`)
    assert.equal(
      await peaks(again),
      after.map((b) => b.peak.bytes),
    )
    assert.is(await again.inputValue('#c-batch_size'), '2')
    await again.close()

    await page.click('button[type=reset]')
    await until(page, "location.hash === ''")
    assert.equal(
      await peaks(page),
      before.map((b) => b.peak.bytes),
    )
    await page.close()
  })

  test('what cannot be predicted is refused in the planner’s words, and the last answer stays', async () => {
    const page = await open(file)
    const before = await peaks(page)
    await page.fill('#c-target_modules', 'nowhere')
    await page.press('#c-target_modules', 'Tab')
    await settled(page, 'cannot be predicted')
    assert.match((await page.textContent('.problems'))!, /--target-modules nowhere matches no linear of llama-2-7b/)
    assert.equal(await peaks(page), before)
    await page.goto(`file://${file}#seq_len=%3Cimg%20src=x%3E&methods=__proto__`)
    await page.reload()
    await settled(page, 'cannot be predicted')
    assert.match((await page.textContent('.problems'))!, /--seq-len is "<img src=x>"; expected an integer/)
    assert.is(await page.$('.problems img'), null)
    await page.close()
  })

  test('by keyboard alone: the timeline is a slider, tables sort, details open', async () => {
    const page = await open(file)
    const slider = page.locator('[data-chart="m2-timeline"]')
    await slider.focus()
    const peak = await slider.getAttribute('aria-valuetext')
    assert.match(peak!, /^backward, event \d+ of \d+, 17\.26 GiB$/)
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowLeft')
    await page.waitForSelector('#m2-instant[open]')
    const summary = (await page.textContent('#m2-instant summary'))!
    assert.match(summary, /^Alive at (?:forward|backward), event \d+/)
    const value = (selector: string) =>
      page.$$eval(selector, (all) => all.map((e) => Number(e.getAttribute('value') ?? e.getAttribute('data-v'))))
    const [whole] = await value('#m2-instant summary data')
    const listed = await value('#m2-alive tbody td:first-child')
    assert.is(
      listed.reduce((a, b) => a + b, 0),
      whole,
      'what lives there adds up to the timeline',
    )
    assert.is(await slider.getAttribute('role'), 'slider')
    assert.match((await slider.getAttribute('aria-label'))!, /^Live bytes of LoRA-FA through the step: /)
    await page.keyboard.press('p')
    await page.waitForSelector('#m2-instant summary:has-text("the peak")')

    await page.locator('#s0 thead button').nth(1).focus()
    await page.keyboard.press('Enter')
    const modules = await page.$$eval('#s0 tbody tr td:nth-child(2)', (cells) => cells.map((c) => c.textContent ?? ''))
    assert.equal(modules, [...modules].sort())
    assert.is(await page.getAttribute('#s0 thead th:nth-child(2)', 'aria-sort'), 'ascending')
    await page.close()
  })

  test('downloads are made in the page', async () => {
    const page = await open(file)
    const get = async (selector: string): Promise<[string, Buffer]> => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(selector)])
      return [download.suggestedFilename(), readFileSync(await download.path())]
    }
    const [json, result] = await get('[data-do=json]')
    assert.is(json, 'tidemark-llama-2-7b.json')
    assert.is(JSON.parse(result.toString('utf8')).schema, 'tidemark/compare@1')
    assert.match((await get('[data-do=csv]'))[1].toString('utf8'), /^table,method,/)
    const svg = (await get('#bars [data-do=svg]'))[1].toString('utf8')
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
    assert.not.match(svg, /var\(--|currentColor/)
    assert.is((await get('#bars [data-do=png]'))[1].subarray(1, 4).toString('latin1'), 'PNG')
    await page.close()
  })

  for (const [width, scheme] of [
    [1280, 'dark'],
    [768, 'light'],
    [360, 'dark'],
    [360, 'light'],
  ] as const) {
    test(`nothing is cut off at ${width} pixels, ${scheme}`, async () => {
      const page = await open(`${file}#batch_size=4`, { viewport: { width, height: 800 }, colorScheme: scheme })
      const spill = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
      assert.ok(spill <= 0, `the page is ${spill} pixels wider than the screen`)
      // every text of every chart that is drawn lies inside its drawing
      const cut = await page.$$eval('.chart svg', (all) =>
        all.flatMap((svg) => {
          const box = svg.getBoundingClientRect()
          if (box.width === 0) return []
          return [...svg.querySelectorAll('text')]
            .filter((t) => {
              const r = t.getBoundingClientRect()
              return r.width > 0 && (r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1)
            })
            .map((t) => t.textContent)
        }),
      )
      assert.equal(cut, [])
      await page.screenshot({ path: join(SHOTS, `${width}-${scheme}.png`), fullPage: true })
      await page.close()
    })
  }

  test('a change takes no longer than a glance, and nothing was asked of the network or complained of', async () => {
    const page = await open(file)
    const times: [planner: number, all: number][] = []
    for (let i = 0; i < 60; i++) {
      await page.fill('#c-seq_len', String(512 + 8 * i))
      await until(page, `location.hash.endsWith('seq_len=${512 + 8 * i}')`)
      const [planner = '0', all = '0'] = (await page.getAttribute('#article-0', 'data-milliseconds'))!.split(' ')
      times.push([Number(planner), Number(all)])
    }
    const median = (at: 0 | 1) =>
      times
        .slice(10)
        .map((t) => t[at])
        .sort((a, b) => a - b)[25]!
    const paint = await page.evaluate<number>(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0",
    )
    const size = (statSync(file).size / 1e6).toFixed(2)
    console.log(
      `\n# ${size} MB, first paint ${paint.toFixed(0)} ms, a change ${median(1).toFixed(0)} ms (planner ${median(0).toFixed(0)}), median of 50`,
    )
    await page.close()
    assert.equal(wrong, [])
  })

  test.run()
}
