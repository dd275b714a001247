import type { ReportView } from '../view-model.ts'
import { type BarsView, barsOf } from './bars.ts'

/** Every method of several results in one chart, each named with its result's number. */
export function sideBySideBars(views: readonly ReportView[]): BarsView {
  const fits = views.map((v) => v.fit)
  // a line where the memory ends says something only if it is the same memory for all
  const [first] = fits
  const common = fits.every((f) => f?.capacity_bytes === first?.capacity_bytes) ? (first ?? null) : null
  const sources = views.flatMap((view, i) =>
    view.methods.map((method) => ({
      method: { ...method, name: `${i + 1} ${method.name}`, peak: { ...method.peak, at: view.model } },
      measured: null,
      fit: common,
    })),
  )
  return barsOf(sources)
}
