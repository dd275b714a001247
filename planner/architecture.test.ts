import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

// Compiled files stand in dist/; the rules are about the sources beside it.
const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '../..'))
const FOLDERS = ['cli', 'planner', 'models', 'reports']

/** Who may import whom: a room and the rooms (or single files) it may reach besides itself. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  cli: ['reports', 'planner', 'models'],
  reports: ['planner/trace', 'planner/result', 'planner/snapshot'],
  models: [],
  'planner/trace': [],
  'planner/result': ['planner/trace'],
  'planner/ops': ['planner/trace'],
  'planner/training': [
    'planner/trace',
    'planner/ops',
    'planner/autograd',
    'planner/network',
    'planner/result',
    'models/spec.ts',
  ],
  'planner/network': ['planner/trace', 'planner/ops', 'planner/training', 'models/spec.ts'],
  'planner/autograd': ['planner/trace', 'planner/ops'],
  'planner/simulate': ['planner/trace', 'planner/ops', 'planner/autograd', 'planner/training'],
  'planner/execute': ['planner/trace', 'planner/ops', 'planner/autograd'],
  // One rank of several: what it holds, and what it does around modules, gradients and the optimizer.
  'planner/shard': [
    'planner/trace',
    'planner/ops',
    'planner/autograd',
    'planner/simulate',
    'planner/training',
    'planner/network',
    'models/spec.ts',
  ],
  'planner/formula': ['planner/trace'],
  'planner/devices': [],
  'planner/allocate': ['planner/trace', 'planner/devices'],
  'planner/snapshot': ['planner/trace', 'planner/allocate'],
  'planner/inspect': ['planner/trace', 'planner/result', 'planner/training'],
  // Composition roots: they alone see programs and runtimes together.
  'planner/predict': [
    'planner/trace',
    'planner/result',
    'planner/ops',
    'planner/training',
    'planner/network',
    'planner/autograd',
    'planner/simulate',
    'planner/shard',
    'planner/allocate',
    'planner/devices',
    'planner/formula',
    'models/spec.ts',
  ],
  // Searches over settings.
  'planner/solve': [
    'planner/trace',
    'planner/result',
    'planner/ops',
    'planner/training',
    'planner/network',
    'planner/allocate',
    'planner/devices',
    'planner/predict',
    'models/spec.ts',
  ],
  'planner/run': [
    'planner/trace',
    'planner/allocate',
    'planner/result',
    'planner/ops',
    'planner/training',
    'planner/network',
    'planner/autograd',
    'planner/simulate',
    'planner/execute',
    'planner/predict',
    'planner/audit.ts',
    'models/spec.ts',
  ],
  'planner/study': [
    'planner/trace',
    'planner/result',
    'planner/ops',
    'planner/training',
    'planner/network',
    'planner/autograd',
    'planner/execute',
    'planner/run',
    'models/spec.ts',
    'models/index.ts',
    'models/weights',
  ],
  // Pages of docs/ whose numbers are computed.
  'planner/pages': [
    'planner/study',
    'planner/predict',
    'planner/devices',
    'planner/allocate',
    'planner/result',
    'planner/training',
    'models/index.ts',
  ],
  planner: ['planner/trace', 'planner/predict', 'planner/result', 'planner/training', 'planner/network', 'planner/ops'],
}

/** Packages that only some rooms may name. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@tensorflow/': ['planner/execute'],
  vega: ['reports'],
  '@resvg/': ['cli'],
  '@huggingface/tokenizers': ['cli'],
  mathjs: ['planner/formula', 'models'],
  yargs: ['cli'],
  chalk: ['cli'],
  'cli-table3': ['cli'],
}

/** Rooms that run in a browser as well. */
const PURE = (room: string) => room !== 'cli' && room !== 'planner/execute' && room !== 'planner/run'

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      // Helpers of tests stand in a folder of their own.
      if (entry.name !== 'testing') yield* sources(path)
    } else if (/\.ts$/.test(entry.name) && !/\.test\.(cases\.)?ts$/.test(entry.name)) yield path
  }
}

function roomOf(file: string): string {
  const [top, second] = file.split('/')
  return top === 'planner' && second && !second.endsWith('.ts') ? `planner/${second}` : (top ?? '')
}

interface Import {
  readonly file: string
  readonly target: string
}

export function importsOf(file: string, text: string): Import[] {
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"\n]*?(?:\{[^}]*\})?[^'"\n]*?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  )
  return [...found].map((m) => ({ file, target: m[1] ?? m[2] ?? '' })).filter((i) => i.target !== '')
}

/** Why an import is not allowed; null where it is. */
export function breach({ file, target }: Import): string | null {
  const room = roomOf(file)
  if (!target.startsWith('.')) {
    if (target.startsWith('node:') || target === 'process') return PURE(room) ? `${room} must run without Node` : null
    for (const [name, rooms] of Object.entries(PACKAGES)) {
      if (target.startsWith(name) && !rooms.includes(room)) return `only ${rooms.join(', ')} may use ${name}`
    }
    return null
  }
  const path = relative('.', normalize(join(dirname(file), target)))
  const to = roomOf(path)
  if (to === room || (MAY[room] ?? []).some((m) => path === m || to === m || path.startsWith(`${m}/`))) return null
  return `${room} may not import ${to} (${path})`
}

const all = FOLDERS.flatMap((f) => [...sources(f)])

test('no import crosses the house where there is no door', () => {
  const wrong = all.flatMap((file) =>
    importsOf(file, readFileSync(join(root, file), 'utf8')).flatMap((i) => {
      const why = breach(i)
      return why ? [`${i.file} → ${i.target}: ${why}`] : []
    }),
  )
  assert.is(wrong.join('\n'), '')
})

test('the reader of imports sees the edges it must refuse', () => {
  assert.is(
    importsOf('a.ts', "import {\n  a,\n  b,\n} from '../execute/x.ts'\nexport * from './y.ts'\nawait import('vega')")
      .length,
    3,
  )
  assert.ok(breach({ file: 'planner/simulate/x.ts', target: '../execute/kernels/y.ts' }))
  assert.ok(breach({ file: 'planner/execute/x.ts', target: '../simulate/y.ts' }))
  assert.ok(breach({ file: 'reports/x.ts', target: '../planner/predict/index.ts' }))
  assert.ok(breach({ file: 'models/x.ts', target: 'node:fs' }))
  assert.ok(breach({ file: 'planner/predict/x.ts', target: '@tensorflow/tfjs-core' }))
  assert.is(breach({ file: 'planner/network/x.ts', target: '../ops/ops.ts' }), null)
})

test('mathjs, vega and the engines are only imported when they are needed', () => {
  const eager = all.flatMap((file) =>
    [
      ...readFileSync(join(root, file), 'utf8').matchAll(
        /(?:^|\n)import (?!type)[^\n]*from '(mathjs|vega[^']*|yaml|@tensorflow[^']*)'/g,
      ),
    ]
      .filter((m) => !(m[1]!.startsWith('@tensorflow') && roomOf(file) === 'planner/execute'))
      // a bundle of its own, which only a page loads
      .filter(() => !file.startsWith('reports/browser/'))
      .map((m) => `${file}: ${m[1]}`),
  )
  assert.is(eager.join('\n'), '')
})

test.run()
