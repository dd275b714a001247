import type { EstimateBody } from '../../planner/result/estimate.ts'
import { rankName } from '../../reports/view/ranks.ts'
import type { Bytes } from './numbers.ts'

/** What a pipeline asks: does it fit, in one line. */
export interface Verdict {
  /** `llama-2-7b lora-fa` */
  readonly name: string
  readonly fit: NonNullable<EstimateBody['fit']>
  readonly peak: EstimateBody['peak']
  readonly ranks?: EstimateBody['ranks']
  /** The file to point at, and its place. */
  readonly file?: string | undefined
}

/** `llama-2-7b lora does not fit rtx4090: peak 26.4 GiB of 24.0 GiB, 2.4 GiB too much (backward · lm_head)` */
export function verdictLine({ name, fit, peak, ranks }: Verdict, bytes: Bytes): string {
  const margin = bytes(Math.abs(fit.margin_bytes))
  const place = [peak.phase, peak.scope || peak.op].join(' · ')
  const whose = ranks ? `, ${rankName(ranks, ranks.worst)} of ${ranks.gpus}` : ''
  const says = fit.fits ? `fits ${fit.gpu}` : `does not fit ${fit.gpu}`
  const room = fit.fits ? `${margin} to spare` : `${margin} too much`
  return `${name} ${says}: peak ${bytes(peak.bytes)} of ${bytes(fit.capacity_bytes)}, ${room} (${place}${whose})`
}

/** A workflow command of GitHub Actions: it shows as an annotation of the file. */
export function githubAnnotation(verdict: Verdict, bytes: Bytes): string {
  const level = verdict.fit.fits ? 'notice' : 'error'
  const file = verdict.file === undefined ? '' : `file=${property(verdict.file)},`
  return `::${level} ${file}title=${property('GPU memory')}::${data(verdictLine(verdict, bytes))}`
}

/** One test case in JUnit's XML. */
export function junitXml(verdict: Verdict, bytes: Bytes): string {
  const line = xml(verdictLine(verdict, bytes))
  const failed = verdict.fit.fits ? 0 : 1
  const outcome = verdict.fit.fits
    ? `<system-out>${line}</system-out>`
    : `<failure type="does-not-fit" message="${line}">${line}</failure>`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="1" failures="${failed}">`,
    `  <testsuite name="tidemark" tests="1" failures="${failed}" errors="0" skipped="0">`,
    `    <testcase classname="tidemark.memory" name="${xml(`${verdict.name} on ${verdict.fit.gpu}`)}">${outcome}</testcase>`,
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')
}

// actions/toolkit, packages/core/src/command.ts: escapeData and escapeProperty
const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
/** Control characters have no place in XML 1.0. */
const xml = (text: string): string => text.replace(/[&<>"']/g, (c) => ENTITIES[c]!).replace(/[^\P{Cc}\t\n]/gu, '\uFFFD')
