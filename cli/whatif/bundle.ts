// The planner as a script of a report's page: the page's own script finds it under this name.
import { createWhatIf, documentOf } from './planner.ts'

Object.assign(globalThis, { tidemark: { createWhatIf, documentOf } })
