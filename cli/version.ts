import { readFileSync } from 'node:fs'

/** The package's own version, from its package.json: two folders up, from the bundle as from the compiled file. */
export function toolVersion(): string {
  const found: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return found !== null && typeof found === 'object' && 'version' in found ? String(found.version) : '0'
}
