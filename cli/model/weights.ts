import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Overrides } from '../../models/config.ts'
import { specFromConfig } from '../../models/index.ts'
import type { ModelSpec } from '../../models/spec.ts'
import type { StoredTensor, Weights } from '../../models/weights/weights.ts'
import { UsageError } from '../errors.ts'
import { readStart, readTextFile } from '../files/read.ts'
import { findInHubCache } from './hub-cache.ts'

const ONE_FILE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const MAX_INDEX_BYTES = 8 * 1024 * 1024
/** Metadata with a vocabulary of a quarter million and its merges is below 16 MB. */
const MAX_GGUF_METADATA = 32 * 1024 * 1024

/** What the weights are that stand beside a config.json; undefined where there are none. @throws UsageError, ModelError */
export async function weightsBeside(config: string): Promise<Weights | undefined> {
  const folder = dirname(config)
  const files = await safetensorsIn(folder)
  if (files.length === 0) return undefined
  const { weightsOf } = await import('../../models/weights/weights.ts')
  const tensors = await Promise.all(files.map((file) => tensorsIn(join(folder, file))))
  return weightsOf(tensors.flat())
}

/** Shards that an index names and that are not there are left to whoever loads them: none are counted then. */
async function safetensorsIn(folder: string): Promise<string[]> {
  const there = (name: string): boolean => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true
  if (there(ONE_FILE)) return [ONE_FILE]
  if (!there(INDEX)) return []
  const path = join(folder, INDEX)
  const { readSafetensorsIndex } = await import('../../models/weights/safetensors.ts')
  const text = await readTextFile(path, { limit: MAX_INDEX_BYTES, what: 'an index of weights', flag: '' })
  const files = readSafetensorsIndex(text, path)
  return files.every(there) ? files : []
}

/** The `.safetensors` files of the model that a person named by its config.json, its folder or `org/name` in the cache. */
export async function checkpointFiles(name: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const found = statSync(name, { throwIfNoEntry: false })
  const cached = found ? undefined : findInHubCache(name, env)?.path
  const folder = found?.isDirectory() ? name : dirname(cached ?? name)
  return (await safetensorsIn(folder)).map((file) => join(folder, file))
}

/** The tensors of one `.safetensors` file, from its header alone. */
export async function tensorsIn(path: string): Promise<StoredTensor[]> {
  const { headerLength, LENGTH_BYTES, readSafetensorsHeader } = await import('../../models/weights/safetensors.ts')
  const { start, size } = await readStart(path, LENGTH_BYTES)
  const length = headerLength(start, size, path)
  const { start: header } = await readStart(path, length, LENGTH_BYTES)
  return readSafetensorsHeader(header, size, path)
}

/** The config.json that a lone `.safetensors` file belongs to: the one beside it. @throws UsageError where there is none */
export function configOf(weights: string): string {
  const config = join(dirname(weights), 'config.json')
  if (statSync(config, { throwIfNoEntry: false })?.isFile()) return config
  const message = 'holds tensors and no architecture, and no config.json stands beside it'
  throw new UsageError([{ where: weights, message, next: 'Put the config.json of the model beside it.' }])
}

/** A model from the metadata of a GGUF file. @throws UsageError, ModelError */
export async function fromGguf(
  path: string,
  name: string,
  overrides: Overrides,
): Promise<{ spec: ModelSpec; source: string; weights: Weights; warnings: string[] }> {
  const [{ readGguf }, { ggufConfig }, { weightsOf }] = await Promise.all([
    import('../../models/weights/gguf.ts'),
    import('../../models/weights/gguf-config.ts'),
    import('../../models/weights/weights.ts'),
  ])
  const { start } = await readStart(path, MAX_GGUF_METADATA)
  const file = readGguf(start, path)
  const { config, packed } = ggufConfig(file, path)
  const weights = weightsOf(file.tensors)
  const types = Object.keys(weights.dtypes).join(', ')
  const warnings = packed ? [`${path} holds ${types}: transformers makes float32 of them as it loads (gguf_file)`] : []
  return {
    spec: specFromConfig(config, { name, source: path, ...overrides }),
    source: `${path} (GGUF)`,
    weights,
    warnings,
  }
}
