import type { StudyView } from '../../view/study.ts'
import { html, type Markup } from '../markup.ts'
import { assumedTable, copyable, DOWNLOADS, warningList } from '../trust.ts'

/** What was held fixed, what a study of small models cannot say, and how to get the same again. */
export function studyTrust(view: StudyView): Markup {
  const { data, base, engine, study } = view.body
  return html`<section id="${view.id}trust"><h2>How it was done, and how to reproduce it</h2>
${warningList(view)}<dl><dt>base</dt><dd>${base.source}</dd><dt>text</dt><dd>${data.corpus}, ${data.documents} documents; ${data.split}</dd><dt>tokens</dt><dd>${data.tokenizer}</dd><dt>engine</dt><dd>${engine}</dd><dt>study</dt><dd><code>${study.slice(0, 12)}</code></dd></dl>
<ul><li>One base model: the spread is of adapters and of the order of batches, not of bases.</li>
<li>Learning rates are chosen by validation loss among those tried; the test part is looked at once, after the last step.</li>
<li>Peaks are an engine’s, in float32; <code>tidemark estimate</code> says what PyTorch takes.</li></ul>
<h3>Reproduce</h3>
${copyable(`${view.id}command`, 'the command', view.command)}
${DOWNLOADS}${assumedTable(view)}</section>
`
}
