// Writes the pages of docs/ that are computed.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { accuracyPage } = await import(join(root, 'dist/planner/pages/accuracy.js'))
const { allocatorsPage } = await import(join(root, 'dist/planner/pages/allocators.js'))
const { paperPage } = await import(join(root, 'dist/planner/pages/paper.js'))

const { enginesPage } = await import(join(root, 'dist/planner/pages/engines.js'))
const { studyPage, studyParts } = await import(join(root, 'dist/planner/pages/study.js'))

const folder = join(root, 'fixtures/pytorch')
const rows = readdirSync(folder)
  .filter((f) => f.endsWith('.jsonl'))
  .sort()
  .flatMap((f) => readFileSync(join(folder, f), 'utf8').trim().split('\n'))
  .map((line) => JSON.parse(line))
const published = JSON.parse(readFileSync(join(root, 'fixtures/published/fms-acceleration-mistral-7b.json'), 'utf8'))
writeFileSync(join(root, 'docs/accuracy.md'), accuracyPage(rows, published.rows))
writeFileSync(join(root, 'docs/allocators.md'), allocatorsPage())
writeFileSync(join(root, 'docs/paper.md'), paperPage())
const engines = join(root, 'fixtures/engines')
const steps = readdirSync(engines)
  .sort()
  .map((f) => JSON.parse(readFileSync(join(engines, f), 'utf8')))
const enginesFile = join(root, 'docs/engines.md')
writeFileSync(enginesFile, enginesPage(readFileSync(enginesFile, 'utf8'), steps))
const studyFile = join(root, 'docs/study.md')
const studies = (name) => readFileSync(join(root, 'fixtures/study', `${name}.jsonl`), 'utf8')
writeFileSync(studyFile, studyPage(readFileSync(studyFile, 'utf8'), studyParts(studies)))
