/** Columns that a text takes once its colours are gone; no wide characters are printed here. */
export const visibleWidth = (text: string): number => [...plainText(text)].length

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what a colour starts with
const COLOUR = /\u001b\[[\d;]*m/g
export const plainText = (text: string): string => text.replace(COLOUR, '')

/** Breaks at spaces so that no line is wider; a word wider than a line stays whole. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    const room = width - (lines.length > 0 ? indent.length : 0)
    if (line !== '' && visibleWidth(longer) > room) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line].join(`\n${indent}`)
}

/** Joins parts by ` · `, breaking between parts only where that is possible. */
export function wrapParts(parts: readonly string[], width: number, indent = ''): string {
  const lines: string[] = []
  let line = ''
  const shown = parts.filter((p) => p !== '')
  for (const [i, part] of shown.entries()) {
    const longer = line === '' ? part : `${line} · ${part}`
    // a line that goes on ends in a dot
    const dot = i < shown.length - 1 ? 2 : 0
    if (line !== '' && visibleWidth(longer) + dot > width - (lines.length > 0 ? indent.length : 0)) {
      lines.push(`${line} ·`)
      line = part
    } else line = longer
  }
  return [...lines, line].map((l, i) => wrap(i === 0 ? l : `${indent}${l}`, width, indent)).join('\n')
}

export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - visibleWidth(text)))
export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - visibleWidth(text))) + text
