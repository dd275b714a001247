import { CATALOG } from './catalog.ts'

/** A catalog model for a repository on the Hugging Face hub. */
export interface KnownRepository {
  readonly name: string
  /** Why another repository than the published one has the same shapes; undefined for the published one. */
  readonly because?: string
}

/** Who uploads published checkpoints again, unchanged, under the same name. */
const MIRRORS: readonly string[] = ['nousresearch', 'unsloth']

/** What names of further trained checkpoints end in; they keep the shapes of the base. */
const TUNED = /-(instruct|chat|it)$/

/**
 * The catalog's model that a repository holds: the published one, a mirror of it, or its instruction-tuned sibling. Anything else is
 * unknown, since a name proves no shapes.
 */
export function knownRepository(repository: string): KnownRepository | undefined {
  const [organisation = '', model = ''] = repository.toLowerCase().split('/')
  const isMirror = MIRRORS.includes(organisation)
  const plain = model.replace(TUNED, '')
  const published = Object.entries(CATALOG).map(([name, entry]) => ({
    name,
    parts: entry.repository.toLowerCase().split('/'),
  }))
  const found = published.find(
    ({ parts: [by, called] }) => (isMirror || by === organisation) && (called === model || called === plain),
  )
  if (found === undefined) return undefined
  const reasons = [
    ...(isMirror ? [`a mirror of ${CATALOG[found.name]!.repository}`] : []),
    ...(found.parts[1] === model ? [] : ['tuned further, with the shapes of its base']),
  ]
  return reasons.length === 0 ? { name: found.name } : { name: found.name, because: reasons.join(', ') }
}
