import type { Fields } from './fields.ts'
import { LIMITS } from './limits.ts'
import type { LayerKind } from './spec.ts'

/** The two names in `layer_types` that are modelled, and whether such a layer slides. */
const TYPES: Readonly<Record<string, boolean>> = { full_attention: false, sliding_attention: true }

/**
 * Kinds of layers, as the shortest stretch that repeats: by `layer_types`, else by what the config class makes of the other keys.
 *
 * @param published layers of the model before any are cut
 */
export function readKinds(
  fields: Fields,
  published: number,
  slides: (layer: number) => boolean,
  turns: (layer: number) => boolean = () => true,
): readonly LayerKind[] {
  const given = fields.raw('layer_types')
  const from = Array.isArray(given) ? (i: number) => typeAt(given, i) : slides
  if (Array.isArray(given)) checkTypes(fields, given, published)
  if (Array.isArray(given)) fields.noteKey('kinds', 'layer_types')
  else fields.note('kinds', 'default', 'layer_types')
  const kinds = Array.from({ length: published }, (_, i): LayerKind => ({ sliding: from(i), rotary: turns(i) }))
  return period(kinds, (a, b) => a.sliding === b.sliding && a.rotary === b.rotary)
}

/** A base of angles for each kind of layer: in `rope_parameters` since transformers 5, before under keys of their own, with defaults. */
export function readBases(
  fields: Fields,
  full: readonly [key: string, value: number],
  sliding: readonly [key: string, value: number],
): { readonly ropeTheta: number; readonly slidingTheta: number } {
  const inside = fields.nested('rope_parameters')
  const read = (field: string, kind: string, [key, value]: readonly [string, number]): number => {
    const of = inside.nested(kind)
    return of.has('rope_theta')
      ? of.number(field, 'rope_theta', LIMITS.ropeTheta, { value })
      : fields.number(field, key, LIMITS.ropeTheta, { value })
  }
  return {
    ropeTheta: read('ropeTheta', 'full_attention', full),
    slidingTheta: read('slidingTheta', 'sliding_attention', sliding),
  }
}

const typeAt = (types: readonly unknown[], layer: number): boolean => TYPES[String(types[layer])] === true

function checkTypes(fields: Fields, types: readonly unknown[], published: number): void {
  const odd = types.find((t) => typeof t !== 'string' || !Object.hasOwn(TYPES, t))
  const expected = `${published} of ${Object.keys(TYPES).join(' or ')}`
  const next = 'Correct the list, or leave it out.'
  if (odd !== undefined) fields.fail('unsupported', 'layer_types', 'names another kind of layer', expected, next)
  else if (types.length < published)
    fields.fail('conflict', 'layer_types', `has ${types.length} entries`, expected, next)
}

/** The shortest stretch whose repetition, perhaps broken off, is the list. */
export function period<K>(kinds: readonly K[], same: (a: K, b: K) => boolean): readonly K[] {
  const fits = (n: number) => kinds.every((kind, i) => same(kind, kinds[i % n]!))
  let n = 1
  while (n < kinds.length && !fits(n)) n++
  return kinds.slice(0, n)
}
