import type { Control, Told } from '../whatif.ts'
import { html, type Markup } from './markup.ts'

/** Powers of two that a slider reaches, by control. */
const DOUBLINGS: Readonly<Record<string, number>> = { batch_size: 8, seq_len: 16, target_seq_len: 16, rank: 9 }

/** The controls of what may be changed. The page's script makes it: without the script there is nothing to ask. */
export const panelMarkup = (id: string, controls: readonly Control[]): Markup =>
  html`<details id="${id}panel" class="panel" open=""><summary><b>What if</b> <span id="${id}panel-now" role="status"></span></summary>
<form id="${id}form" autocomplete="off">${controls.filter((c) => c.kind === 'many').map((c) => field(id, c))}
<div class="actions"><button type="reset">as written</button> <button type="button" data-do="link">copy link</button></div>
${controls.filter((c) => c.kind !== 'many').map((c) => field(id, c))}</form>
<div id="${id}panel-problems" class="problems" role="alert"></div></details>`

function field(id: string, control: Control): Markup {
  const { key, label, kind, choices, value } = control
  const name = `${id}c-${key}`
  switch (kind) {
    case 'number':
      return html`<div class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${key}" type="text" inputmode="numeric" value="${value}" size="6">
<input type="range" data-for="${name}" min="0" max="${DOUBLINGS[key] ?? 8}" step="1" value="${doublings(value)}" aria-label="${label}, by doubling"></div>`
    case 'choice':
      return html`<div class="field"><label for="${name}">${label}</label>
<select id="${name}" name="${key}">${choices.map((c) => html`<option value="${c}" selected="${c === value ? '' : null}">${c}</option>`)}</select></div>`
    case 'text':
      return html`<div class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${key}" type="text" list="${name}-l" value="${value}" size="${key === 'gpu' ? 11 : 14}" placeholder="${key === 'gpu' ? 'name or 80GiB' : null}">
<datalist id="${name}-l">${choices.map((c) => html`<option value="${c}"></option>`)}</datalist></div>`
    case 'many': {
      const on = value.split(',')
      return html`<fieldset class="field"><legend>${label}</legend>${choices.map(
        (c) =>
          html`<label><input type="checkbox" name="${key}" value="${c}" checked="${on.includes(c) ? '' : null}">${c}</label>`,
      )}</fieldset>`
    }
  }
}

/** Where a slider of doublings stands for a number. */
export const doublings = (value: string): number => Math.round(Math.log2(Math.max(1, Number(value) || 1)))

/** Why nothing is shown for a setting: as the planner says it. */
export const problemsMarkup = (problems: readonly Told[]): Markup =>
  html`${problems.map((p) => html`<p><b>${p.where}</b> ${p.message}. ${p.next}</p>`)}`
