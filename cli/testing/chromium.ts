import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Where Debian, Ubuntu and others put it; `CHROMIUM` names another. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium']

/** Chromium on this machine, or why a test cannot have it. */
export async function openChromium(): Promise<Browser | string> {
  const named = process.env.CHROMIUM
  const path = named ?? PLACES.find((place) => existsSync(place))
  if (path === undefined) return `no Chromium in ${PLACES.join(', ')}: apt-get install chromium, or set CHROMIUM`
  try {
    return await chromium.launch({
      executablePath: path,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
      timeout: 30_000,
    })
  } catch (error) {
    return `${path} does not start: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`
  }
}

/** A page of ours in a browser, and what it may not do noted in `wrong`: ask for anything, or complain. */
export async function openPage(
  browser: Browser,
  address: string,
  wrong: string[],
  options: BrowserContextOptions = {},
): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options })
  page.on('console', (m) => wrong.push(`${m.type()}: ${m.text()}`))
  page.on('pageerror', (e) => wrong.push(e.message))
  page.on('request', (r) => {
    if (!/^(file|data|blob):/.test(r.url())) wrong.push(`request ${r.url()}`)
  })
  await page.goto(`file://${address}`)
  await page.waitForSelector('html.script')
  return page
}
