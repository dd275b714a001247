export { matrixOf } from './matrix.ts'
export { type Maximum, maximize, type Place } from './maximize.ts'
export { type PlanRequest, plan } from './plan.ts'
export { type Option, type Search, type Step, search } from './search.ts'
