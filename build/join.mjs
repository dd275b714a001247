// Joins chunks that are always loaded together. esbuild makes a chunk of whatever the same entries share, some sixty for one
// command, and node takes about as long to find and open a small file as to compile it.
import { rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'

/**
 * Writes each group of chunks as one file and leaves in a chunk's place a line that passes on what it exported, for whoever else
 * imports it.
 *
 * @param outputs of esbuild's metafile: chunks of one folder
 * @param groups by name of the file, the sources of its entries: these and what they import, less what an earlier group has
 * @param options that the chunks were built with
 */
export async function joinChunks(outputs, groups, options) {
  const folder = join(options.absWorkingDir, dirname(Object.keys(outputs)[0]))
  /** What stands in a chunk's place, by its name. */
  const facades = new Map()
  for (const [name, entries] of Object.entries(groups)) {
    const chunks = loadedWith(outputs, entries).filter((chunk) => !facades.has(chunk))
    const renamed = new Map(chunks.map((chunk, i) => [chunk, passedOn(outputs, chunk, i)]))
    await build({
      ...options,
      entryPoints: undefined,
      splitting: false,
      banner: undefined,
      outdir: undefined,
      outfile: join(folder, `${name}.js`),
      stdin: {
        contents: chunks
          .map((c) => `export{${renamed.get(c).map(([as, own]) => `${own} as ${as}`)}}from"./${c}"`)
          .join('\n'),
        resolveDir: folder,
      },
      plugins: [neighbours(chunks, facades)],
    })
    for (const chunk of chunks)
      facades.set(chunk, `export{${renamed.get(chunk).map(([as, own]) => `${as} as ${own}`)}}from"./${name}.js";\n`)
  }
  for (const [chunk, facade] of facades) {
    writeFileSync(join(folder, chunk), facade)
    rmSync(join(folder, `${chunk}.map`), { force: true })
  }
}

/** Names of the chunks that the entries import, and of their own; not what is imported lazily. */
function loadedWith(outputs, entries) {
  const waiting = entries.map((entry) => Object.keys(outputs).find((path) => outputs[path].entryPoint === entry))
  const found = new Set()
  for (const path of waiting) {
    if (found.has(path)) continue
    found.add(path)
    waiting.push(
      ...outputs[path].imports.filter((i) => i.kind === 'import-statement' && !i.external).map((i) => i.path),
    )
  }
  return [...found].map((path) => basename(path))
}

/** A chunk's exports, each with its name in the file of the group: minified names are the same in all chunks. */
function passedOn(outputs, chunk, number) {
  const path = Object.keys(outputs).find((p) => basename(p) === chunk)
  return outputs[path].exports.map((own) => [`c${number}_${own}`, own])
}

/** Takes in the group's own chunks, refers to those of earlier groups and leaves the others where they are. */
const neighbours = (own, facades) => ({
  name: 'neighbours',
  setup(b) {
    b.onResolve({ filter: /^\.\// }, ({ path, kind, resolveDir }) => {
      const name = basename(path)
      if (kind === 'dynamic-import') return { path, external: true }
      if (own.includes(name)) return { path: join(resolveDir, name) }
      return facades.has(name) ? { path: name, namespace: 'facade' } : { path, external: true }
    })
    b.onLoad({ filter: /.*/, namespace: 'facade' }, ({ path }) => ({ contents: facades.get(path) }))
  },
})
