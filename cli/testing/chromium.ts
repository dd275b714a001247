import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

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
