import { statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Overrides } from '../../models/config.ts'
import { catalogEntry, knownRepository, listModels, specFromCatalog } from '../../models/index.ts'
import { didYouMean } from '../../models/nearest.ts'
import { printable } from '../../models/source.ts'
import type { ModelSpec } from '../../models/spec.ts'
import type { Weights } from '../../models/weights/weights.ts'
import { UsageError } from '../errors.ts'
import { readStandardInput, readTextFile } from '../files/read.ts'
import { findInHubCache, hubCacheFolder, isRepository } from './hub-cache.ts'

/** As `models` reads: larger texts are refused by their size. */
const MAX_BYTES = 8 * 1024 * 1024

export interface FoundModel {
  readonly spec: ModelSpec
  /** Where it was found, for people and for the JSON. */
  readonly source: string
  /** What transformers' from_pretrained takes for it; undefined where there is nothing that it could load. */
  readonly load?: string | undefined
  /** What a checkpoint beside the config, or the file itself, holds. */
  readonly weights?: Weights | undefined
  readonly warnings?: readonly string[]
}

/**
 * The model that a person named: a catalog name, a file or folder, `org/name` in the local Hugging Face cache, or `-` for
 * standard input. Nothing goes over the network.
 */
export async function resolveModel(name: string, overrides: Overrides, env: NodeJS.ProcessEnv): Promise<FoundModel> {
  if (name === '-') return fromText(await readStandardInput(MAX_BYTES), '-', 'stdin', 'standard input', overrides)
  const entry = catalogEntry(name)
  if (entry) {
    const spec = specFromCatalog(name, overrides)
    return { spec, source: `catalog (${entry.repository})`, load: entry.repository }
  }
  const found = statSync(name, { throwIfNoEntry: false })
  if (found) return fromFile(name, found.isDirectory(), overrides)
  const cached = isRepository(name) ? findInHubCache(name, env) : undefined
  if (cached) {
    const text = await readTextFile(cached.path, { limit: MAX_BYTES, what: 'a model', flag: '' })
    const { weightsBeside } = await import('./weights.ts')
    const found = await fromText(
      text,
      cached.path,
      name,
      `Hugging Face cache, ${name} at ${cached.commit.slice(0, 12)}`,
      overrides,
    )
    return { ...withWeights(found, await weightsBeside(cached.path)), load: name }
  }
  const known = knownRepository(name)
  if (known) {
    const source = `catalog (${known.because === undefined ? name : `${name}, ${known.because}`})`
    return { spec: specFromCatalog(known.name, overrides), source, load: name }
  }
  throw new UsageError([notFound(name, env)])
}

async function fromFile(path: string, folder: boolean, overrides: Overrides): Promise<FoundModel> {
  const file = folder ? join(path, 'config.json') : path
  if (folder && !statSync(file, { throwIfNoEntry: false })) {
    const next = 'Give the folder of a Hugging Face model, or the path of a description.'
    throw new UsageError([{ where: path, message: 'this folder has no config.json', next }])
  }
  if (/\.gguf$/i.test(file)) return (await import('./weights.ts')).fromGguf(file, nameOf(file), overrides)
  if (/\.safetensors$/i.test(file)) return fromFile((await import('./weights.ts')).configOf(file), false, overrides)
  const text = await readTextFile(file, { limit: MAX_BYTES, what: 'a config.json or a description', flag: '' })
  const found = await fromText(text, file, nameOf(file), file, overrides)
  if (basename(file) !== 'config.json') return found
  const weights = await (await import('./weights.ts')).weightsBeside(file)
  return { ...withWeights(found, weights), load: dirname(file) }
}

/** Weights beside a config that names no dtype decide it, as in transformers: the first floating type they hold. */
function withWeights(found: FoundModel, weights: Weights | undefined): FoundModel {
  if (weights === undefined) return found
  const stored = Object.keys(weights.dtypes).map((name) => STORED[name])
  const dtype = stored.find((name) => name !== undefined)
  const { spec } = found
  if (dtype === undefined || dtype === spec.dtype) return { ...found, weights }
  if (spec.provenance.dtype?.source === 'default') {
    const provenance = { ...spec.provenance, dtype: { source: 'config', key: 'the weights beside it' } as const }
    return { ...found, weights, spec: { ...spec, dtype, provenance } }
  }
  const warning = `the weights are stored in ${dtype}; the config says ${spec.dtype}, in which they are loaded`
  return { ...found, weights, warnings: [warning] }
}

const STORED: Readonly<Record<string, ModelSpec['dtype']>> = { F32: 'float32', BF16: 'bfloat16', F16: 'float16' }

async function fromText(
  text: string,
  filename: string,
  name: string,
  source: string,
  overrides: Overrides,
): Promise<FoundModel> {
  // the reader of files is loaded only where there is one
  const { parseModelText } = await import('../../models/parse.ts')
  return { spec: await parseModelText(text, { name, filename, ...overrides }), source }
}

/** A config.json is named by its folder, a description by its file. */
function nameOf(file: string): string {
  const base = basename(file)
  return base === 'config.json' ? basename(dirname(resolve(file))) : base.replace(/\.(json|ya?ml|gguf)$/i, '')
}

function notFound(name: string, env: NodeJS.ProcessEnv): { where: string; message: string; next: string } {
  const where = 'model'
  const said = `"${printable(name)}"`
  if (isRepository(name)) {
    const message = `${said} is no file, and its config.json is not in the Hugging Face cache (${hubCacheFolder(env)})`
    const next = `Download it once with \`hf download ${name} config.json\`, or give a path to its config.json.`
    const near = didYouMean(name.split('/')[1] ?? name, listModels(), '')
    return { where, message, next: near ? `${next} ${near}` : next }
  }
  const isPath = /[/\\]|\.(json|ya?ml)$/i.test(name)
  const message = isPath ? `there is no file ${said}` : `${said} is not in the catalog, and there is no such file`
  const near = isPath ? '' : didYouMean(name, listModels(), '')
  return { where, message, next: `${near} \`tidemark models list\` shows the catalog.`.trim() }
}
