import type { Category } from '../planner/trace/event.ts'

/** What a chart tells apart: PyTorch's categories, with the three that are small and fixed drawn as one. */
export const GROUPS = ['parameter', 'gradient', 'optimizer state', 'activation', 'temporary', 'rest'] as const
export type Group = (typeof GROUPS)[number]

export interface Colour {
  /** As a person reads it on a mark. */
  readonly label: string
  readonly hex: string
  readonly rgb: readonly [number, number, number]
  /** The nearest of xterm's 256 colours. */
  readonly ansi256: number
  /** Colour of text that stands on it, at a contrast of at least 4.5. */
  readonly on: string
}

const INK = '#111111'

/**
 * One colour a category, the same in every chart and in the terminal: Okabe and Ito's set, which readers with any common
 * colour blindness tell apart. Vermillion and yellow are left out: one reads as an alarm, the other vanishes on white.
 */
export const PALETTE: Readonly<Record<Group, Colour>> = {
  parameter: { label: 'parameters', hex: '#0072b2', rgb: [0, 114, 178], ansi256: 25, on: '#ffffff' },
  gradient: { label: 'gradients', hex: '#009e73', rgb: [0, 158, 115], ansi256: 36, on: INK },
  'optimizer state': { label: 'optimizer state', hex: '#cc79a7', rgb: [204, 121, 167], ansi256: 175, on: INK },
  activation: { label: 'saved activations', hex: '#e69f00', rgb: [230, 159, 0], ansi256: 178, on: INK },
  temporary: { label: 'temporaries', hex: '#56b4e9', rgb: [86, 180, 233], ansi256: 74, on: INK },
  rest: { label: 'inputs, buffers, other', hex: '#999999', rgb: [153, 153, 153], ansi256: 246, on: INK },
}

/**
 * Whose colour a method has where methods are told apart and not what bytes are: of the same set. The method that is asked about stands out, full
 * training is grey. Methods without one are drawn like the rest.
 */
const METHOD_GROUPS: Readonly<Record<string, Group>> = {
  full: 'rest',
  lora: 'parameter',
  'lora-fa': 'activation',
  'lora-fa-corrected': 'gradient',
  'frozen-b': 'optimizer state',
}

export const methodGroup = (method: string): Group =>
  Object.hasOwn(METHOD_GROUPS, method) ? METHOD_GROUPS[method]! : 'rest'

export const methodColour = (method: string): string => PALETTE[methodGroup(method)].hex

/** The group that a category is drawn in. */
export function groupOf(category: Category): Group {
  return category === 'buffer' || category === 'input' || category === 'other' ? 'rest' : category
}

/** Bytes by category as bytes by group; groups without bytes stay zero. */
export function byGroup(parts: Readonly<Partial<Record<Category, number | undefined>>>): Record<Group, number> {
  const sums: Record<Group, number> = {
    parameter: 0,
    gradient: 0,
    'optimizer state': 0,
    activation: 0,
    temporary: 0,
    rest: 0,
  }
  for (const [category, bytes] of Object.entries(parts) as [Category, number | undefined][])
    sums[groupOf(category)] += bytes ?? 0
  return sums
}
