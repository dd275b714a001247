export { renderHtml } from './html.ts'
export { byGroup, type Colour, GROUPS, type Group, groupOf, PALETTE } from './palette.ts'
export { type ReportResult, type ReportView, viewOf } from './view-model.ts'
