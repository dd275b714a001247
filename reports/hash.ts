import type { Changes, Control } from './whatif.ts'

/**
 * The changes that a page's address holds: `#batch_size=4&gpu=rtx4090`, those of a later result of the page under its prefix.
 * What names no control is left out: the values themselves are checked by who plans with them.
 */
export function changesIn(hash: string, controls: readonly Control[], prefix = ''): Changes {
  const said = new URLSearchParams(hash.replace(/^#/, ''))
  return Object.fromEntries(
    controls.flatMap(({ key, value }) => {
      const given = said.get(`${prefix}${key}`)
      return given === null || given === value ? [] : [[key, given] as const]
    }),
  )
}

/** The address's hash with these changes in place of those under `prefix`; empty where there are none. */
export function hashWith(hash: string, controls: readonly Control[], changes: Changes, prefix = ''): string {
  const said = new URLSearchParams(hash.includes('=') ? hash.replace(/^#/, '') : '')
  for (const { key } of controls) {
    const value = changes[key]
    if (value === undefined) said.delete(`${prefix}${key}`)
    else said.set(`${prefix}${key}`, value)
  }
  const text = said.toString().replaceAll('%2C', ',')
  return text === '' ? '' : `#${text}`
}
