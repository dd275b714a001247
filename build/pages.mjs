// Writes the pages of docs/ that are computed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { paperPage } = await import(join(root, 'dist/planner/pages/paper.js'))

writeFileSync(join(root, 'docs/paper.md'), paperPage())
