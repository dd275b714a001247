import { doublings, panelMarkup, problemsMarkup } from '../page/panel.ts'
import type { Changes, Control, Told } from '../whatif.ts'
import { patch, type Show } from './patch.ts'

interface Panel {
  /** Puts values into the controls that nobody typed there. */
  show(changes: Changes): void
  /** What the controls' setting comes to. */
  say(words: string, problems: readonly Told[]): void
}

interface Hooks {
  readonly changed: (changes: Changes) => void
  readonly copyLink: () => void
}

const PLAIN: Show = { draw: () => {}, opened: () => {} }

/** Builds the controls in their place in the page and tells of every change, at most once a frame. */
export function buildPanel(place: HTMLElement, id: string, controls: readonly Control[], hooks: Hooks): Panel {
  patch(place, panelMarkup(id, controls).nodes, PLAIN)
  const form = place.querySelector('form')!
  // on a phone the page comes first
  if (matchMedia('(max-width: 700px)').matches) place.querySelector('details')!.open = false
  let asked = 0
  const ask = (): void => {
    cancelAnimationFrame(asked)
    asked = requestAnimationFrame(() => hooks.changed(changesOf(form, controls)))
  }
  form.addEventListener('input', (event) => {
    const input = event.target
    if (!(input instanceof HTMLInputElement)) return
    const named = input.dataset.for === undefined ? null : document.getElementById(input.dataset.for)
    if (named instanceof HTMLInputElement) named.value = String(2 ** Number(input.value))
    else if (input.inputMode === 'numeric') slideTo(form, input)
    else if (input.type === 'text') return
    ask()
  })
  form.addEventListener('change', ask)
  form.addEventListener('submit', (event) => event.preventDefault())
  form.addEventListener('reset', (event) => {
    event.preventDefault()
    showIn(form, controls, {})
    ask()
  })
  place.querySelector('[data-do=link]')!.addEventListener('click', hooks.copyLink)
  return {
    show: (changes) => showIn(form, controls, changes),
    say(words, problems) {
      place.querySelector(`[id="${id}panel-now"]`)!.textContent = words
      patch(place.querySelector('.problems')!, problemsMarkup(problems).nodes, PLAIN)
    },
  }
}

/** What differs from the result as it was written. */
function changesOf(form: HTMLFormElement, controls: readonly Control[]): Changes {
  const data = new FormData(form)
  return Object.fromEntries(
    controls.flatMap(({ key, kind, value }) => {
      const said = kind === 'many' ? data.getAll(key).join(',') : String(data.get(key) ?? '').trim()
      return said === value ? [] : [[key, said] as const]
    }),
  )
}

function showIn(form: HTMLFormElement, controls: readonly Control[], changes: Changes): void {
  for (const { key, value, kind } of controls) {
    const said = changes[key] ?? value
    for (const input of form.querySelectorAll<HTMLInputElement | HTMLSelectElement>(`[name="${key}"]`)) {
      if (kind === 'many' && input instanceof HTMLInputElement) input.checked = said.split(',').includes(input.value)
      else input.value = said
      if (kind === 'number' && input instanceof HTMLInputElement) slideTo(form, input)
    }
  }
}

function slideTo(form: HTMLFormElement, input: HTMLInputElement): void {
  const slider = form.querySelector<HTMLInputElement>(`[data-for="${input.id}"]`)
  if (slider !== null) slider.value = String(doublings(input.value))
}
