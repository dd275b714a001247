import type { AutocastPolicy } from '../../autograd/autocast.ts'
import type { OpName } from '../../ops/attributes.ts'
import { type DType, ITEMSIZE } from '../../trace/dtype.ts'
import type { Dialect } from '../dialect.ts'

const ALIASES: readonly OpName[] = [
  'view',
  'reshape',
  'transpose',
  'permute',
  'expand',
  'unsqueeze',
  'slice',
  'select',
  'split',
  'unbind',
  'contiguous',
]

/** Index vectors of batch, head, query and key. */
const INDICES = ['b=batch', 'h=head', 'q0=query', 'q=query', '-q0', 'k0=key', 'k=key', '-k0']

/** 0 where allowed, the lowest number elsewhere. */
const ADDITIVE = ['zero=number', 'lowest=number', 'result=result', '-lowest', '-zero']

/** Buckets that grow with the logarithm of the distance. */
const LARGE = [
  'small=result/bool',
  'float=result/float32',
  'share=result/float32',
  '-float',
  'log=result/float32',
  '-share',
  'quotient=result/float32',
  '-log',
  'scaled=result/float32',
  '-quotient',
  'long=result',
  '-scaled',
  'shifted=result',
  '-long',
  'most=result',
  'large=result',
  '-most',
  '-shifted',
]

/** `[t, s]` of what a query may see: what is not after it. */
const causal = (name: string): string[] => [`${name}=allowed`]

/** The same within a window (sliding_window_overlay and causal_mask_function under and_masks). */
const sliding = (name: string): string[] => [
  'all=bit',
  'start=query',
  'near=allowed',
  '-start',
  'first=allowed',
  '-near',
  '-all',
  'late=allowed',
  `${name}=allowed`,
  '-late',
  '-first',
]

/** Not farther than a window on either side (sliding_window_bidirectional_overlay and bidirectional_mask_function under and_masks). */
const around = (name: string): string[] => [
  'all=bit',
  'difference=span',
  'distance=span',
  '-difference',
  'near=allowed',
  '-distance',
  'first=allowed',
  '-near',
  '-all',
  'everywhere=query/bool',
  `${name}=allowed`,
  '-everywhere',
  '-first',
]

/** All of them, `[t]` (bidirectional_mask_function). */
const everywhere = (name: string): string[] => [`${name}=query/bool`]

const INDICES_END = ['-b', '-h', '-q', '-k']

/** What `visible` and padding both allow. */
const joined = (name: 'whole' | 'result', visible: typeof causal): string[] => [
  'one=bit',
  ...visible('causal'),
  visible === everywhere ? 'both=query/bool' : 'both=allowed',
  '-causal',
  '-one',
  'seen=padding',
  `${name}=whole`,
  '-seen',
  '-both',
  ...INDICES_END,
]

/** eager_mask, and both masks of a padded batch. */
const additive = (visible: typeof causal): string[] => [
  ...INDICES,
  ...visible('allowed'),
  ...INDICES_END,
  ...ADDITIVE,
  '-allowed',
]
const padded = (visible: typeof causal): string[] => [
  'padding=padding',
  ...INDICES,
  ...joined('whole', visible),
  ...ADDITIVE,
  '-whole',
  '-padding',
]
const paddedBool = (visible: typeof causal): string[] => [
  'padding=padding',
  ...INDICES,
  ...joined('result', visible),
  '-padding',
]

/**
 * PyTorch 2.13 as a CUDA device runs it: views share storages, gradients add in place where the engine is sole owner, most
 * operations are one kernel. The scripts are the helpers that transformers 5 calls on each forward, in their order.
 */
export const torch: Dialect = {
  name: 'torch-2.13',
  itemsize: ITEMSIZE,
  integer: 'int64',
  mask: 'bool',
  aliases: new Set(ALIASES),
  strided: true,
  accumulatesInPlace: true,
  forward: {
    positions: ['range=row', 'result=row', '-range'],
    // modeling_roberta.py, create_position_ids_from_input_ids
    // modeling_opt.py: cumsum, times the mask, less one, as int64
    positions_of_mask: ['sum=mask', 'product=mask', 'less=mask', '-product', 'result=result', '-less', '-sum'],
    'positions_of_mask.whole': ['sum=mask', 'product=mask', 'result=result', '-product', '-sum'],
    position_ids_after_padding: [
      'ne=result/bool',
      'mask=result/int32',
      '-ne',
      'sum=result',
      'typed=result/int32',
      '-sum',
      'past=result/int32',
      '-typed',
      'incremental=result/int32',
      '-past',
      'long=result',
      'result=result',
      '-long',
      '-mask',
      '-incremental',
    ],
    // modeling_t5.py, compute_bias and _relative_position_bucket, for an encoder
    relative_buckets: [
      'q0=query',
      'q=query',
      '-q0',
      'k=key',
      'relative=result',
      'positive=result/bool',
      'far=result',
      '-positive',
      'half=result',
      '-far',
      'result=result',
      '-half',
      'distance=result',
      ...LARGE,
      'where=result',
      '-where',
      '-distance',
      '-small',
      '-large',
    ],
    // for a decoder
    'relative_buckets.causal': [
      'q0=query',
      'q=query',
      '-q0',
      'k=key',
      'relative=result',
      'zeros=result',
      'least=result',
      '-zeros',
      'distance=result',
      '-least',
      ...LARGE,
      'where=result',
      'result=result',
      '-where',
      '-distance',
      '-small',
      '-large',
    ],
    // modeling_t5.py, _shift_right
    shift_right: ['result=result', 'short=short', '-short', 'wrong=wrong', '-wrong'],
    // transformers/masking_utils.py: create_causal_mask, sdpa_mask (broadcast indices), eager_mask
    causal_mask: additive(causal),
    'causal_mask.padded': padded(causal),
    'causal_mask.padded_bool': paddedBool(causal),
    'causal_mask.sliding': additive(sliding),
    'causal_mask.sliding_bool': [...INDICES, ...sliding('result'), ...INDICES_END],
    'causal_mask.sliding_padded': padded(sliding),
    'causal_mask.sliding_padded_bool': paddedBool(sliding),
    // create_bidirectional_mask: none without padding
    'causal_mask.bidirectional_padded': padded(everywhere),
    'causal_mask.bidirectional_padded_bool': paddedBool(everywhere),
    // create_bidirectional_sliding_window_mask: none without padding within the window
    'causal_mask.bidirectional_sliding': additive(around),
    'causal_mask.bidirectional_sliding_bool': [...INDICES, ...around('result'), ...INDICES_END],
    'causal_mask.bidirectional_sliding_padded': padded(around),
    'causal_mask.bidirectional_sliding_padded_bool': paddedBool(around),
    rotary_table: [
      'ids=ids',
      'freqs=half',
      '-ids',
      'emb=whole',
      'c0=whole',
      'c=whole',
      '-c0',
      's0=whole',
      's=whole',
      '-s0',
      'cos=cos',
      'sin=sin',
      '-freqs',
      '-emb',
      '-c',
      '-s',
    ],
    // cos.to(dtype) is the tensor itself there
    'rotary_table.float32': [
      'ids=ids',
      'freqs=half',
      '-ids',
      'emb=whole',
      'c0=whole',
      'cos=cos',
      '-c0',
      's0=whole',
      'sin=sin',
      '-s0',
      '-freqs',
      '-emb',
    ],
  },
  backward: {},
  tiles: null,
}

/**
 * torch.autocast (aten/src/ATen/autocast_mode.h, AT_FORALL_LOWER_PRECISION_FP, AT_FORALL_FP32 and AT_FORALL_FP32_SET_OPT_DTYPE): of the
 * vocabulary's operations, products run in the lower type, softmaxes, norms and losses in float32, and a sum gives float32 out.
 */
export const autocastPolicy = (dtype: DType): AutocastPolicy => ({
  dtype,
  lower: new Set(['linear', 'conv1d', 'bmm', 'matmul', 'sdpa']),
  upper: new Set(['softmax', 'log_softmax', 'layer_norm']),
  told: new Set(['sum']),
})
