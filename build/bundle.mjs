// Bundles the command line: one file to start with, so that node opens few. `node build/bundle.mjs [OUT]`, OUT being where tsc
// wrote its files (default dist). What is loaded lazily becomes a chunk, or stays with npm or beside the bundle.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { joinChunks } from './join.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = resolve(root, process.argv[2] ?? 'dist')
const bin = join(out, 'bin')

const lean = {
  name: 'lean',
  setup(b) {
    // string-width 7 and 8 make an Intl.Segmenter as they load, 9 ms each; 4 measures the same for what is printed here
    const stringWidth = join(root, 'node_modules/string-width/index.js')
    b.onResolve({ filter: /^string-width$/ }, () => ({ path: stringWidth }))
    // yaml's build for browsers is the ES module; node's is CommonJS, of which `import()` would see a default only
    const yaml = join(root, 'node_modules/yaml/browser/index.js')
    b.onResolve({ filter: /^yaml$/ }, () => ({ path: yaml }))
    // `process` as a module makes node read all its properties, which opens its streams: 10 ms; chalk means the global
    b.onResolve({ filter: /^node:process$/ }, () => ({ path: 'process', namespace: 'global' }))
    b.onLoad({ filter: /.*/, namespace: 'global' }, ({ path }) => ({ contents: `export default globalThis.${path}` }))
    // only what is loaded lazily uses the whole of zod; bundled, its locales would end in the part that always loads
    b.onResolve({ filter: /^zod$/ }, () => ({ path: 'zod', external: true }))
  },
}

rmSync(bin, { recursive: true, force: true })
const shared = {
  absWorkingDir: root,
  outdir: bin,
  bundle: true,
  splitting: true,
  chunkNames: '[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  // read only under --debug
  sourcemap: true,
  legalComments: 'linked',
  external: ['@tensorflow/*', 'mathjs', 'vega', 'vega-lite', 'vega-interpreter', '@resvg/resvg-js'],
  plugins: [lean],
  // CommonJS packages inside an ES module ask for `require`
  banner: { js: "import{createRequire as nodeRequire}from'node:module';const require=nodeRequire(import.meta.url);" },
  logLevel: 'warning',
}
const { metafile } = await build({ ...shared, entryPoints: { tidemark: 'cli/main.ts' }, metafile: true })
const groups = { start: ['cli/start.ts'], estimate: ['cli/commands/estimate.ts', 'cli/commands/compare.ts'] }
await joinChunks(metafile.outputs, groups, shared)
// apart, so that the engine's code does not decide how the command line is cut into chunks
await build({ ...shared, entryPoints: { child: 'cli/child.ts' }, chunkNames: 'child-[name]-[hash]' })
// the scripts of a report's page: what it shows, and the planner that it asks
for (const [name, entry] of Object.entries({ page: 'reports/browser/start.ts', planner: 'cli/whatif/bundle.ts' })) {
  await build({
    absWorkingDir: root,
    outdir: join(bin, 'page'),
    entryPoints: { [name]: entry },
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  })
}
const entry = join(bin, 'tidemark.js')
if (!readFileSync(entry, 'utf8').startsWith('#!')) {
  writeFileSync(entry, `#!/usr/bin/env node\n${readFileSync(entry, 'utf8')}`)
}
chmodSync(entry, 0o755)
