import { flagOf } from '../../planner/training/options.ts'
import type { Setup } from './setup.ts'

/** The command line that answers a setup's question: what was given, and no default. */
export function commandLineOf(setup: Setup): string {
  const { command, argument, options, methods, stack, gpu, allocator } = setup
  const names = methods.filter((m) => m !== null).join(',')
  const method = names === '' ? [] : [command === 'compare' ? '--methods' : '--method', names]
  const flags = Object.entries(options).flatMap(([key, value]) => flagWords(flagOf(key), value))
  const alloc = allocator === '' ? [] : ['--alloc-conf', allocator]
  const words = [
    'tidemark',
    command,
    argument,
    ...method,
    ...flags,
    '--stack',
    stack,
    ...(gpu ? ['--gpu', gpu] : []),
    ...alloc,
  ]
  return words.map(quoted).join(' ')
}

function flagWords(flag: string, value: unknown): string[] {
  if (value === undefined || value === false) return []
  if (value === true) return [flag]
  return [flag, Array.isArray(value) ? value.join(',') : String(value)]
}

/** A word as a shell reads it back. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
