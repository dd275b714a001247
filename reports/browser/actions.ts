import type { Theme } from '../page/theme.ts'
import { standalone } from '../paint.ts'

/** Hands a text or bytes to the browser's downloads. */
export function download(name: string, content: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

export const textFile = (text: string, type: string): Blob => new Blob([text], { type })

/** Copies a text; a page from a disk may not have the clipboard, then the text is selected and copied as a person would. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}

/** The chart as it stands in the page, as a file of its own in the page's theme. */
export function chartSvg(host: HTMLElement): { text: string; width: number; height: number } | null {
  const svg = [...host.querySelectorAll('svg')].find((s) => s.getBoundingClientRect().width > 0)
  const box = svg?.getAttribute('viewBox')?.split(' ').map(Number)
  if (svg === undefined || box === undefined) return null
  const own = svg.cloneNode(true) as SVGSVGElement
  const [, , width = 0, height = 0] = box
  own.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  own.setAttribute('width', String(width))
  own.setAttribute('height', String(height))
  const theme: Theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  return { text: standalone(new XMLSerializer().serializeToString(own), theme), width, height }
}

/** The same as pixels, twice as fine as the page's. */
export async function chartPng(host: HTMLElement): Promise<Blob | null> {
  const svg = chartSvg(host)
  if (svg === null) return null
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg.text)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = svg.width * 2
  canvas.height = svg.height * 2
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((done) => canvas.toBlob(done, 'image/png'))
}
