import { CATALOG } from './catalog/index.ts'

/** A catalog model for a repository on the Hugging Face hub. */
export interface KnownRepository {
  readonly name: string
  /** Why another repository than the published one has the same shapes; undefined for the published one. */
  readonly because?: string
}

/** Who uploads published checkpoints again, unchanged, under the same name. */
const MIRRORS: readonly string[] = ['nousresearch', 'unsloth']

/** LLaMA 3.1's repositories were published as Meta-Llama-3.1-… first. */
const RENAMED = /^meta-(llama-3\.)/

/** What names of further trained checkpoints end in, Qwen's with year and month; they keep the shapes of the base. */
const TUNED = /-(instruct|chat|it|thinking)(-\d{4})?$/

/** What the base of Gemma 3 ends in, beside its tuned `-it`. */
const BASE = /-pt$/

/**
 * The catalog's model that a repository holds: the published one, a mirror of it, or its instruction-tuned sibling. Anything else is
 * unknown, since a name proves no shapes.
 */
export function knownRepository(repository: string): KnownRepository | undefined {
  const [organisation = '', model = ''] = repository.toLowerCase().split('/')
  const isMirror = MIRRORS.includes(organisation)
  const plain = model.replace(TUNED, '')
  const names = [model, plain, plain.replace(RENAMED, '$1')]
  const published = Object.entries(CATALOG).flatMap(([name, { repository }]) => {
    const [by, called = ''] = repository.toLowerCase().split('/')
    return isMirror || by === organisation ? [{ name, repository, called }] : []
  })
  const found = names.flatMap((wanted) =>
    published.filter(({ called }) => called === wanted || (plain !== model && called.replace(BASE, '') === wanted)),
  )[0]
  if (found === undefined) return undefined
  const reasons = [
    ...(isMirror ? [`a mirror of ${found.repository}`] : []),
    ...(found.called.replace(BASE, '') === plain || found.called === model ? [] : ['by its earlier name']),
    ...(plain === model || found.called === model ? [] : ['tuned further, with the shapes of its base']),
  ]
  return reasons.length === 0 ? { name: found.name } : { name: found.name, because: reasons.join(', ') }
}
