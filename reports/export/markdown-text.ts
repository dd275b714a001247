/** A table of GitHub's Markdown; cells are Markdown already. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Data as text: nothing in it starts a table cell, a tag, a link or emphasis. */
export const text = (s: string): string => s.replace(/[\r\n]+/g, ' ').replace(/[\\`*_{}[\]<>|#!~]/g, '\\$&')

export const code = (s: string): string =>
  s === '' ? '(no module)' : `\`${s.replace(/[`\r\n]/g, "'").replaceAll('|', '\\|')}\``

/** A code block that its content cannot end. */
export function fence(s: string): string {
  const longest = Math.max(2, ...[...s.matchAll(/`+/g)].map((m) => m[0].length))
  const bar = '`'.repeat(longest + 1)
  return `${bar}sh\n${s}\n${bar}`
}
