import type { ArchitectureClass } from './adapter.ts'
import type { Fields } from './fields.ts'
import { LIMITS } from './limits.ts'

/** Classes of an encoder: what was pretrained gets a fresh classification head, as `AutoModelForSequenceClassification` gives it. */
export function classifierOf(
  prefix: string,
  pretraining: readonly string[],
): Readonly<Record<string, ArchitectureClass>> {
  const takenAs = `${prefix}ForSequenceClassification`
  const task = 'sequence-classification'
  return { [takenAs]: { task }, ...Object.fromEntries(pretraining.map((name) => [name, { task, takenAs }] as const)) }
}

/** As `PreTrainedConfig.__post_init__` does: the length of `id2label`, else `num_labels`, else 2. */
export function readLabels(fields: Fields): number {
  const map = fields.raw('id2label')
  if (map === undefined || map === null) return fields.integer('labels', 'num_labels', LIMITS.labels, { value: 2 })
  fields.noteKey('labels', 'id2label')
  const labels = typeof map === 'object' ? Object.keys(map).length : 0
  if (labels < LIMITS.labels.min) {
    const next = 'Regression (one label) has another loss and is not modelled; give at least two labels.'
    fields.fail('out-of-range', 'id2label', `has ${labels} entries`, 'an object with at least 2 entries', next)
  }
  const said = fields.raw('num_labels')
  if (said !== undefined && said !== null && said !== labels) {
    const next = 'Remove num_labels, or correct it.'
    fields.fail('conflict', 'num_labels', 'differs from the length of id2label', `${labels}, as in id2label`, next)
  }
  return labels
}

const NEXT = 'This variant is not modelled.'

/** A classifier's `problem_type` chooses its loss; one class a sequence is modelled. */
export function refuseOtherLosses(fields: Fields): void {
  const problem = fields.raw('problem_type')
  if (problem !== undefined && problem !== null && problem !== 'single_label_classification') {
    fields.fail('unsupported', 'problem_type', 'has another loss', 'single_label_classification', NEXT)
  }
}

/** `apply_chunking_to_forward` may cut the feed-forward into pieces. */
export function refuseUnlessWhole(fields: Fields): void {
  if (fields.has('chunk_size_feed_forward') && fields.raw('chunk_size_feed_forward') !== 0) {
    fields.fail('unsupported', 'chunk_size_feed_forward', 'is not 0', '0: the feed-forward in one piece', NEXT)
  }
}
