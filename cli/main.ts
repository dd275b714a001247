// The binary's entry. The program is loaded after these lines have run: source maps and the cache of compiled code hold only for what
// is loaded later.
import * as module from 'node:module'

const argv = process.argv.slice(2)
if (argv.includes('--debug')) process.setSourceMapsEnabled(true)
keepCompiled()
const { start } = await import('./start.ts')
await start(argv)

/** From Node 22.8 on compiled code is kept for the next start, in a folder that Node names by its version; where it cannot be written, it is not kept. */
function keepCompiled(): void {
  // not among Node 20's types
  const { enableCompileCache } = module as { readonly enableCompileCache?: () => unknown }
  enableCompileCache?.()
}
