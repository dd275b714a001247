import { methodGroup } from '../../palette.ts'
import { swatch } from '../cells.ts'
import type { Markup } from '../markup.ts'

/** The colour that a method has in a study's charts. */
export const methodSwatch = (method: string): Markup => swatch(methodGroup(method))
