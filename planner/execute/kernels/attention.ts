import type { Tensor } from '@tensorflow/tfjs-core'
import type { Backward, Forward, Operation } from '../../autograd/operation.ts'
import { type Sight, type Span, spansOf, spansSeen } from '../../ops/tiles.ts'
import { axis } from '../../trace/axes.ts'
import { stream } from '../random.ts'
import type { Num, Primitives } from './primitives.ts'
import {
  addTile,
  capInPlace,
  dropInPlace,
  type Heads,
  hideByMask,
  hideByPlace,
  type Layout,
  takeTile,
  uncapInPlace,
} from './tile.ts'

type AttentionOp = 'sdpa' | 'flash_attn'

/** One call of attention, whichever operation it is. */
interface Setting extends Sight {
  readonly layout: Layout
  readonly queries: Heads
  readonly keys: Heads
  readonly tokens: number
  readonly length: number
  readonly scale: number
  readonly dropout: number
  readonly cap: number | null
  readonly tile: number
}

/**
 * Attention without its scores: blocks of `tile` queries against blocks of `tile` keys, the softmax's maximum and sum brought up to
 * date from block to block, and each block worked out again in the backward from q, k, v, the result and the logarithm of the sums
 * (FlashAttention-2, arXiv 2307.08691, algorithms 1 and 2). With P the softmax, D = Σ g · out by row:
 * dV = Pᵀ · g, dS = P · (g · Vᵀ − D), dQ = scale · dS · K, dK = scale · dSᵀ · Q.
 */
const tiled =
  <N extends AttentionOp>(random: () => () => number, tile: number) =>
  (p: Primitives): Operation<Tensor, N> => ({
    forward: (call: Forward<Tensor, N>) => {
      const [q, k, v, mask] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!, call.inputs[3] ?? null]
      const setting = settingOf(call.op, call.attributes, q.axes, k.axes, tile)
      call.save('query', q, 'attention scores again')
      call.save('key', k, 'attention scores again')
      call.save('value', v, 'd scores')
      if (mask) call.save('attn_mask', mask, 'attention scores again')
      const [result, lse, seed = null] = call.kernel(() => {
        const result = p.zeros(q.axes)
        const lse = p.zeros([q.axes[0]!, q.axes[setting.layout === 'heads first' ? 1 : 2]!, axis('t', setting.tokens)])
        const seed = setting.dropout > 0 ? p.number(Math.floor(random()() * 2 ** 31), 'int32') : null
        for (const rows of spansOf(setting.tokens, tile))
          forwardRows(p, setting, rows, { q, k, v, mask, seed, result, lse })
        return seed ? [result, lse, seed] : [result, lse]
      }) as readonly [Num, Num, Num?]
      const state = seed ? [lse, seed] : [lse]
      p.saving([result, ...state], () => {
        call.save('result', result, 'd scores by the result')
        call.save('lse', lse, 'softmax again, by row')
        if (seed) call.save('rng', seed, 'random-number state')
      })
      p.free(...state)
      return [result]
    },
    backward: (call: Backward<Tensor, N>) => {
      const [q, k, v] = [call.saved('query'), call.saved('key'), call.saved('value')]
      const setting = settingOf(call.op, call.attributes, q.axes, k.axes, tile)
      const made = [q, k, v].map((x, i) => (call.needs(i) ? p.zeros(x.axes) : null))
      const saved = {
        q,
        k,
        v,
        mask: call.has('attn_mask') ? call.saved('attn_mask') : null,
        seed: call.has('rng') ? call.saved('rng') : null,
        result: call.saved('result'),
        lse: call.saved('lse'),
      }
      for (const rows of spansOf(setting.tokens, tile)) backwardRows(p, setting, rows, saved, call.grads[0]!, made)
      return call.inputs.map((_, i) => made[i] ?? null)
    },
  })

export const sdpa = (random: () => () => number, tile: number) => tiled<'sdpa'>(random, tile)
export const flashAttn = (random: () => () => number, tile: number) => tiled<'flash_attn'>(random, tile)

interface Tensors {
  readonly q: Num
  readonly k: Num
  readonly v: Num
  readonly mask: Num | null
  /** Of the dropout; each block has a stream of its own. */
  readonly seed: Num | null
  readonly result: Num
  readonly lse: Num
}

function settingOf(
  op: AttentionOp,
  attributes: { causal: boolean; dropout: number; scale: number; window?: number | null; cap?: number | null },
  q: Num['axes'],
  k: Num['axes'],
  tile: number,
): Setting {
  const layout: Layout = op === 'sdpa' ? 'heads first' : 'tokens first'
  const [heads, tokens] = layout === 'heads first' ? [1, 2] : [2, 1]
  const { causal, dropout, scale, window = null, cap = null } = attributes
  const [batch, kv] = [q[0]!.size, k[heads]!.size]
  const groups = q[heads]!.size / kv
  return {
    layout,
    queries: { batch, kv, groups },
    keys: { batch, kv, groups: 1 },
    tokens: q[tokens]!.size,
    length: k[tokens]!.size,
    scale,
    dropout,
    causal,
    window,
    cap,
    tile,
  }
}

/** A block's scores where everything out of sight is as low as can be. `q` is scaled already. */
function scoresOf(p: Primitives, setting: Setting, q: Num, k: Num, mask: Num | null, rows: Span, keys: Span): Num {
  const scores = p.product(q, k, [q.axes[0]!, q.axes[1]!, k.axes[1]!], 'second')
  if (setting.cap !== null) capInPlace(p, scores, setting.cap)
  if (mask) hideByMask(p, scores, mask, setting.queries, rows, keys)
  hideByPlace(p, scores, setting, rows, keys)
  return scores
}

/** A stream for a block's dropout, the same in the forward and in the backward. */
const streamOf = (p: Primitives, seed: Num, rows: Span, keys: Span): (() => number) =>
  stream(p.known(seed)[0]! ^ Math.imul(rows.start + 1, 0x9e3779b1) ^ Math.imul(keys.start + 1, 0x85ebca6b))

/** What a block of rows has of the softmax so far. */
interface Running {
  readonly out: Num
  readonly max: Num
  readonly sum: Num
}

function forwardRows(p: Primitives, setting: Setting, rows: Span, t: Tensors): void {
  const { layout, queries, keys: heads } = setting
  const q = takeTile(p, t.q, layout, queries, rows, setting.scale)
  let running: Running | null = null
  for (const keys of spansSeen(rows, setting.length, setting, setting.tile)) {
    const k = takeTile(p, t.k, layout, heads, keys)
    const scores = scoresOf(p, setting, q, k, t.mask, rows, keys)
    p.free(k)
    let max = p.rows('Max', scores)
    if (running) {
      const higher = p.binary('Maximum', running.max, max)
      p.free(max)
      max = higher
    }
    const shifted = p.binary('Sub', scores, max)
    p.free(scores)
    const powers = p.unary('Exp', shifted)
    p.free(shifted)
    const sum = p.rows('Sum', powers)
    if (t.seed) dropInPlace(p, powers, setting.dropout, streamOf(p, t.seed, rows, keys))
    const v = takeTile(p, t.v, layout, heads, keys)
    const out = p.product(powers, v, q.axes)
    p.free(powers, v)
    running = running ? merged(p, running, { out, max, sum }) : { out, max, sum }
  }
  p.free(q)
  const { out, max, sum } = running!
  const y = p.binary('RealDiv', out, sum)
  p.free(out)
  addTile(p, y, t.result, layout, queries, rows)
  p.free(y)
  const log = p.unary('Log', sum)
  p.free(sum)
  const lse = p.binary('Add', max, log)
  p.free(max, log)
  addTile(p, lse, t.lse, 'heads first', queries, rows)
  p.free(lse)
}

/** Brings what was there to a new maximum and adds a block's share. */
function merged(p: Primitives, old: Running, block: Running): Running {
  const shift = p.binary('Sub', old.max, block.max)
  p.free(old.max)
  const decay = p.unary('Exp', shift)
  p.free(shift)
  const less = p.binary('Multiply', old.sum, decay)
  p.free(old.sum)
  const sum = p.binary('Add', less, block.sum)
  p.free(less, block.sum)
  const faded = p.binary('Multiply', old.out, decay)
  p.free(old.out, decay)
  const out = p.binary('Add', faded, block.out)
  p.free(faded, block.out)
  return { out, max: block.max, sum }
}

function backwardRows(
  p: Primitives,
  setting: Setting,
  rows: Span,
  t: Tensors,
  grad: Num,
  [dQuery, dKey, dValue]: readonly (Num | null)[],
): void {
  const { layout, queries, keys: heads } = setting
  const q = takeTile(p, t.q, layout, queries, rows, setting.scale)
  const g = takeTile(p, grad, layout, queries, rows)
  const result = takeTile(p, t.result, layout, queries, rows)
  const both = p.binary('Multiply', g, result)
  p.free(result)
  const level = p.rows('Sum', both)
  p.free(both)
  const lse = takeTile(p, t.lse, 'heads first', queries, rows)
  let dq: Num | null = null
  for (const keys of spansSeen(rows, setting.length, setting, setting.tile)) {
    const k = takeTile(p, t.k, layout, heads, keys)
    const scores = scoresOf(p, setting, q, k, t.mask, rows, keys)
    const shifted = p.binary('Sub', scores, lse)
    p.free(scores)
    const powers = p.unary('Exp', shifted)
    p.free(shifted)
    const dropping = (x: Num): void => {
      if (t.seed) dropInPlace(p, x, setting.dropout, streamOf(p, t.seed, rows, keys))
    }
    let dScores: Num | null = null
    if (dQuery || dKey) {
      const v = takeTile(p, t.v, layout, heads, keys)
      const dPowers = p.product(g, v, scores.axes, 'second')
      p.free(v)
      dropping(dPowers)
      const rest = p.binary('Sub', dPowers, level)
      p.free(dPowers)
      dScores = p.binary('Multiply', powers, rest)
      if (setting.cap !== null) uncapInPlace(p, dScores, { powers, lse, cap: setting.cap })
      p.free(rest)
    }
    if (dValue) {
      dropping(powers)
      const dv = p.product(powers, g, k.axes, 'first')
      addTile(p, dv, dValue, layout, heads, keys)
      p.free(dv)
    }
    p.free(powers)
    if (dKey) {
      const dk = p.product(dScores!, q, k.axes, 'first')
      addTile(p, dk, dKey, layout, heads, keys)
      p.free(dk)
    }
    if (dQuery) {
      const part = p.product(dScores!, k, q.axes)
      if (dq) {
        const more: Num = p.binary('Add', dq, part)
        p.free(dq, part)
        dq = more
      } else dq = part
    }
    if (dScores) p.free(dScores)
    p.free(k)
  }
  if (dQuery && dq) {
    addTile(p, dq, dQuery, layout, queries, rows, setting.scale)
    p.free(dq)
  }
  p.free(q, g, level, lse)
}
