import type { OpName } from '../../ops/attributes.ts'
import { ITEMSIZE } from '../../trace/dtype.ts'
import type { EngineName } from '../../trace/engine-names.ts'
import type { BackwardScripts, Dialect, Script } from '../dialect.ts'
import { TFJS_TILES } from './tfjs-tiles.ts'

/** Operations whose result is another handle over the same storage; a transpose, a slice and a stretch copy. */
const ALIASES: readonly OpName[] = ['view', 'reshape', 'unsqueeze', 'contiguous', 'detach']

/** A kernel with a number beside its tensor: tfjs makes 4 bytes of it while it runs. */
const withNumber = (name: string, shape: string): Script => ['number=scalar', `${name}=${shape}`, '-number']

/** Σ over the last axis, times 1 / its length. */
const rowMean = (name: string, of: string): Script => [
  `${name}_sum=rows:${of}`,
  ...withNumber(name, `rows:${of}`),
  `-${name}_sum`,
]

const normalized = (name: string, of: string): Script => [`centred=${of}`, `${name}=${of}`, '-centred']

const NORMAL: Script = [
  ...withNumber('inner', 'self'),
  'erf=self',
  '-inner',
  ...withNumber('lifted', 'self'),
  '-erf',
  ...withNumber('phi', 'self'),
  '-lifted',
]

/** T of the tanh form, and ½ (1 + T). */
const BENT: Script = [
  'square=self',
  ...withNumber('cubic', 'self'),
  '-square',
  ...withNumber('lifted', 'self'),
  '-cubic',
  'product=self',
  '-lifted',
  ...withNumber('inner', 'self'),
  '-product',
  'tanh=self',
  '-inner',
  ...withNumber('raised', 'self'),
  ...withNumber('half', 'self'),
  '-raised',
]

const FORWARD: { readonly [op in OpName | `${OpName}.${string}`]?: Script } = {
  add_scalar: withNumber('@', 'self'),
  mul_scalar: withNumber('@', 'self'),
  'pow.square': ['@=self'],
  'pow.general': withNumber('@', 'self'),
  silu: ['sigmoid=self', '@=self', '-sigmoid'],
  'gelu.none': [...NORMAL, '@=self', '-phi'],
  'gelu.tanh': [...BENT, '-tanh', '@=self', '-half'],
  mean: ['sum=rows:self', ...withNumber('@', 'result'), '-sum'],
  vector_norm: ['square=self', 'sum=rows:self', '-square', '@=result', '-sum'],
  softmax: [
    'max=rows:self',
    'shifted=self',
    '-max',
    'powers=self',
    '-shifted',
    'sum=rows:self',
    '@=self',
    '-powers',
    '-sum',
  ],
  log_softmax: [
    'max=rows:self',
    'shifted=self',
    '-max',
    'powers=self',
    'sum=rows:self',
    '-powers',
    'log=rows:self',
    '-sum',
    '@=self',
    '-shifted',
    '-log',
  ],
  layer_norm: [
    ...rowMean('mean', 'input'),
    'centred=input',
    'square=input',
    ...rowMean('variance', 'input'),
    '-square',
    ...withNumber('widened', 'rows:input'),
    '-variance',
    'rstd=rows:input',
    '-widened',
    'hat=input',
    '-centred',
    '@=input',
    '-hat',
  ],
}

const SLOPE_OF_NORMAL: Script = [
  ...NORMAL,
  'square=self',
  ...withNumber('exponent', 'self'),
  '-square',
  'bell=self',
  '-exponent',
  ...withNumber('density', 'self'),
  '-bell',
  'tilt=self',
  '-density',
  'slope=self',
  '-phi',
  '-tilt',
]

const SLOPE_OF_BENT: Script = [
  ...BENT,
  'square=self',
  '-tanh',
  ...withNumber('rest', 'self'),
  '-square',
  'tilt=self',
  '-rest',
  'square=self',
  ...withNumber('cubic', 'self'),
  '-square',
  ...withNumber('lifted', 'self'),
  '-cubic',
  ...withNumber('inner', 'self'),
  '-lifted',
  'second=self',
  '-tilt',
  '-inner',
  'slope=self',
  '-half',
  '-second',
]

const BACKWARD: { readonly [op in OpName | `${OpName}.${string}`]?: BackwardScripts } = {
  add_scalar: { self: 'pass' },
  sub: { order: ['other', 'self'], other: ['@=grad'] },
  mul: { order: ['other', 'self'] },
  div: {
    order: ['other', 'self'],
    other: ['negative=grad', 'once=grad', '-negative', 'twice=grad', '-once', '@=grad', '-twice'],
  },
  mul_scalar: { self: withNumber('@', 'grad') },
  'pow.square': { self: [...withNumber('slope', 'self'), '@=grad', '-slope'] },
  'pow.general': {
    self: [...withNumber('power', 'self'), ...withNumber('slope', 'self'), '-power', '@=grad', '-slope'],
  },
  rsqrt: {
    self: ['square=result', 'cube=result', '-square', ...withNumber('slope', 'result'), '-cube', '@=grad', '-slope'],
  },
  tanh: { self: ['square=result', ...withNumber('slope', 'result'), '-square', '@=grad', '-slope'] },
  relu: { self: ['passes=result', '@=grad', '-passes'] },
  silu: {
    self: [
      'sigmoid=self',
      ...withNumber('rest', 'self'),
      'bent=self',
      '-rest',
      ...withNumber('lifted', 'self'),
      '-bent',
      'slope=self',
      '-sigmoid',
      '-lifted',
      '@=grad',
      '-slope',
    ],
  },
  'gelu.none': { self: [...SLOPE_OF_NORMAL, '@=grad', '-slope'] },
  'gelu.tanh': { self: [...SLOPE_OF_BENT, '@=grad', '-slope'] },
  mean: { self: [...withNumber('part', 'grad'), '@=self', '-part'] },
  softmax: {
    self: ['weighted=grad', 'sum=rows:grad', '-weighted', 'rest=grad', '-sum', '@=grad', '-rest'],
  },
  log_softmax: {
    self: ['sum=rows:grad', 'powers=grad', 'share=grad', '-sum', '-powers', '@=grad', '-share'],
  },
  layer_norm: {
    order: ['input', 'weight', 'bias'],
    input: [
      'scaled=input',
      ...normalized('hat', 'input'),
      'both=input',
      ...rowMean('slope', 'input'),
      '-both',
      'along=input',
      '-hat',
      '-slope',
      ...rowMean('level', 'input'),
      'rest=input',
      '-scaled',
      '-level',
      'across=input',
      '-rest',
      '-along',
      '@=input',
      '-across',
    ],
    weight: [...normalized('hat', 'input'), 'both=input', '-hat', '@=weight', '-both'],
    bias: ['@=bias'],
  },
  linear: { order: ['input', 'weight', 'bias'] },
  conv1d: { order: ['input', 'weight', 'bias'] },
  bmm: { order: ['mat2', 'self'] },
}

/** WebGPU's buffers have no elements below 4 bytes (tfjs-backend-webgpu, webgpu_util.ts, GPUBytesPerElement). */
const ITEMSIZES: Readonly<Partial<Record<EngineName, Dialect['itemsize']>>> = { webgpu: { ...ITEMSIZE, bool: 4 } }

/**
 * tfjs 4.22 as planner/execute runs it, float32 throughout: tensors are dense, gradients add out of place, and an operation that
 * is several tfjs kernels makes their results in this order. Kernels are chosen so that none leaves a temporary of its own on one
 * engine only (tfjs's softmax, mean, sums over a leading axis, cast and tile would): all engines have the same scripts.
 */
export const tfjsDialect = (engine: EngineName): Dialect => ({
  name: `tfjs-4.22/${engine}`,
  itemsize: ITEMSIZES[engine] ?? ITEMSIZE,
  integer: 'int32',
  mask: 'bool',
  aliases: new Set(ALIASES),
  strided: false,
  accumulatesInPlace: false,
  forward: FORWARD,
  backward: BACKWARD,
  tiles: TFJS_TILES,
})
