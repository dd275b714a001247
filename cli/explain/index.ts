import { didYouMean } from '../../models/nearest.ts'
import { printable } from '../../models/source.ts'
import { UsageError } from '../errors.ts'
import { LORA_FA } from './lora-fa.ts'
import { PEAK, SAVED, TIERS } from './words.ts'

const TOPICS: Readonly<Record<string, string>> = { 'lora-fa': LORA_FA, saved: SAVED, peak: PEAK, tiers: TIERS }

/** The explanation of a topic. @throws UsageError naming the topics there are */
export function explanation(topic: string): string {
  const text = Object.hasOwn(TOPICS, topic) ? TOPICS[topic] : undefined
  if (text !== undefined) return text
  const names = Object.keys(TOPICS)
  const next = `${didYouMean(topic, names, '')} Topics: ${names.join(', ')}.`.trim()
  throw new UsageError([{ where: 'models explain', message: `"${printable(topic)}" is no topic`, next }])
}
