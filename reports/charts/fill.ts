import type { Chart } from './chart.ts'

/** What `fillView` needs of a Vega view. */
interface Fillable {
  height(pixels: number): unknown
  signal(name: string, value: unknown): unknown
  data(name: string, values: unknown[]): unknown
}

/** Hands a chart's numbers to a view of its specification; the view draws them when it runs. */
export function fillView(view: Fillable, { height, signals, data }: Chart): void {
  view.height(height)
  for (const [name, value] of Object.entries(signals)) view.signal(name, value)
  for (const [name, rows] of Object.entries(data)) {
    // a view keeps the rows that it is given, and marks them
    const copies = rows.map((row) => ({ ...row }))
    view.data(name, copies)
  }
}
