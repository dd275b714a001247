import type { ModelSpec } from '../../models/spec.ts'
import { audit, type Finding } from '../audit.ts'
import {
  adamW,
  createExecutor,
  EngineError,
  type Executor,
  loraFa,
  type OnPhase,
  type Optimizer,
  sgd,
} from '../execute/index.ts'
import { networkOf, referenceOf } from '../network/index.ts'
import { EXECUTED } from '../network/library.ts'
import type { Network } from '../network/network.ts'
import { bodyOf } from '../predict/index.ts'
import type { Executed } from '../result/run.ts'
import { formatBytes } from '../trace/bytes.ts'
import { Refusal } from '../trace/errors.ts'
import type { TraceEvent } from '../trace/event.ts'
import { settingOf } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'
import { trainStep } from '../training/step.ts'
import { divergence } from './equality.ts'
import { driverRows, FrameworkWitness, statisticsRows } from './framework.ts'
import { hashOf } from './hash.ts'
import { LEAST_STEPS, planRun } from './plan.ts'
import type { RunRequest } from './setting.ts'
import { heapRows, tierRows, unattributed } from './tiers.ts'
import { batchValues, initialValues } from './values.ts'
import { Watch } from './watch.ts'

export interface RunHooks {
  readonly onProgress?: (progress: { phase: string; step: number; of: number }) => void
  /** Lines of the measured trace, JSON each: a header, then events. */
  readonly onTrace?: (line: string) => void
  readonly signal?: AbortSignal
}

/** Large enough that a handful of steps shows the loss falling, for adapters that start at zero too. */
const LEARNING_RATE = { full: 1e-4, lora: 1e-3, 'lora-fa': 1e-3 } as const

/** SGD steps by the gradient itself, which is far smaller than Adam's unit steps. */
const SGD_LEARNING_RATE = 0.5

/**
 * Predicts a run, runs it, and puts measured beside predicted. The prediction is made before the engine is loaded, and its hash
 * goes with the measured trace. Where layers were cut, one layer more is run as well and the increment compared.
 *
 * Throws `Refusal` (`engine-…` where the engine is too small or absent) and `EngineError`.
 */
export async function executeRun(request: RunRequest, hooks: RunHooks = {}): Promise<Executed> {
  const executed = await runOnce(request, hooks)
  if (request.cutFrom === null || !('layers' in request.model)) return executed
  const more: ModelSpec = { ...request.model, layers: request.model.layers + 1 }
  try {
    const next = await runOnce({ ...request, model: more, steps: LEAST_STEPS }, { ...hooks, onTrace: () => undefined })
    const rows = next.measured.tiers.filter((r) => r.verdict === 'differs')
    const [a, b] = [executed.predicted.peak.bytes, next.predicted.peak.bytes]
    const increment = `${formatBytes(b - a)} a layer${rows.length === 0 ? ', measured equal' : ', measured differs'}`
    return withEnvironment(executed, {
      'layers run': `${request.model.layers} of ${request.cutFrom}; one more: ${increment}`,
    })
  } catch (e) {
    if (!(e instanceof Refusal)) throw e
    const note = `${request.model.layers} of ${request.cutFrom}; one more was not run: ${e.message}`
    return withEnvironment(executed, { 'layers run': note })
  }
}

const withEnvironment = (executed: Executed, more: Record<string, string>): Executed => ({
  ...executed,
  environment: { ...executed.environment, ...more },
})

async function runOnce(request: RunRequest, hooks: RunHooks): Promise<Executed> {
  const { model, engine: name } = request
  const steps = Math.max(LEAST_STEPS, request.steps)
  hooks.onProgress?.({ phase: 'predict', step: 0, of: steps })
  const plan = planRun(model, request.train, name, steps)
  const { train, notExercised, stack, predicted } = plan
  const hash = await hashOf({ stack, model, train, predicted })

  hooks.onProgress?.({ phase: 'load', step: 0, of: steps })
  const events: TraceEvent[] = []
  let witness: FrameworkWitness | null = null
  const executor = await load(
    request,
    (e) => events.push(e),
    (step, phase) => witness?.enter(step, phase),
  )
  const { framework } = executor.engine
  if (framework) witness = new FrameworkWitness(framework)
  witness?.start()
  try {
    hooks.onProgress?.({ phase: 'step', step: 0, of: steps })
    refuseWhatIsTooLarge(executor, predicted.peak.bytes)
    const network = networkOf(model, train, EXECUTED)
    executor.materialize([...network.parameters, ...network.buffers], (p) => initialValues(p, request.seed))
    const batch = Object.fromEntries(
      network.inputs.map((input) => {
        const values = batchValues(input, limitOf(model, input.name), request.seed, train.padding)
        return [input.name, executor.input(input.name, input.axes, input.dtype, values)]
      }),
    )
    const reference = referenceOf(model, train, EXECUTED)
    const watch = await Watch.start(executor, network)
    const stepper = optimizerFor(executor, network, train)
    const [losses, seconds]: [number[], number[]] = [[], []]
    for (let step = 0; step < steps; step++) {
      hooks.signal?.throwIfAborted()
      const started = performance.now()
      let loss = Number.NaN
      const how = { microSteps: train.accumulation, reference }
      for (const v of trainStep(executor, network, batch, stepper, step, how)) {
        loss = finite(Number((await executor.read(v))[0]), name)
      }
      losses.push(loss)
      seconds.push((performance.now() - started) / 1000)
      hooks.onProgress?.({ phase: 'step', step: step + 1, of: steps })
      await new Promise((resume) => setTimeout(resume, 0))
    }
    witness?.close()
    const { frozenUnchanged, trainableChanged } = await watch.compare()
    const parted = divergence(plan.events, events)
    const findings: Finding[] = [...audit(plan.events), ...audit(events)]
    writeTrace(hooks, { request, stack, hash, train }, events)
    const measured = bodyOf(network, events)
    const heap = executor.engine.heapBytes()
    return {
      engine: name,
      stack,
      training: { ...settingOf(train), seed: request.seed },
      predicted_hash: hash,
      predicted,
      measured: {
        tiers: [
          ...tierRows(predicted, measured),
          ...(witness && framework ? statisticsRows(witness, framework, plan) : []),
          ...(heap === null ? [] : heapRows(heap, measured.peak.bytes)),
          // what libraries allocate for themselves is in no other tier
          unattributed('process', 'peak resident set', 1024 * process.resourceUsage().maxRSS),
          ...(framework ? driverRows(framework) : []),
        ],
        timeline: measured.timeline,
        seconds_per_step: seconds,
      },
      checks: {
        losses,
        loss_falls: losses.at(-1)! < losses[0]!,
        frozen_unchanged: frozenUnchanged,
        trainable_changed: trainableChanged,
        events_equal: parted === null,
        audit_clean: findings.length === 0,
      },
      not_exercised: [...notExercised],
      environment: {
        engine: `tfjs ${executor.engine.version}, ${name}: ${executor.engine.device}`,
        batch: 'random token ids and labels',
        weights: 'random, as the model is initialized',
        seed: String(request.seed),
        ...(parted ? { 'first difference': `event ${parted.index}: ${parted.predicted} | ${parted.measured}` } : {}),
        ...(findings[0] ? { 'first finding': `${findings[0].scope} · ${findings[0].op}: ${findings[0].message}` } : {}),
      },
    }
  } finally {
    executor.close()
    executor.engine.close()
  }
}

async function load(request: RunRequest, sink: (e: TraceEvent) => void, onPhase: OnPhase): Promise<Executor> {
  try {
    return await createExecutor({ engine: request.engine, seed: request.seed, sink, audited: true, onPhase })
  } catch (e) {
    if (!(e instanceof EngineError)) throw e
    throw new Refusal('engine-unavailable', '--engine', e.message, e.next)
  }
}

/** Too large for the engine is refused before anything runs. */
function refuseWhatIsTooLarge({ engine }: Executor, bytes: number): void {
  const limit = engine.limitBytes
  if (limit === null || bytes <= limit) return
  const over = `the step peaks at ${formatBytes(bytes)}, ${formatBytes(bytes - limit)} more than ${engine.name} can hold (${formatBytes(limit)})`
  throw new Refusal(
    'engine-too-small',
    '--engine',
    over,
    'Cut layers with --layers, or take a smaller batch or length.',
  )
}

function optimizerFor(executor: Executor, network: Network, { optimizer, method, adapter }: TrainSpec): Optimizer {
  const lr = LEARNING_RATE[method]
  if (optimizer === 'sgd') return sgd(executor, { lr: SGD_LEARNING_RATE })
  if (optimizer === 'adamw' || adapter === null) return adamW(executor, { lr })
  const scaling = adapter.alpha / (adapter.rslora ? Math.sqrt(adapter.rank) : adapter.rank)
  return loraFa(executor, { lr, scaling, parameters: network.parameters })
}

function finite(loss: number, engine: string): number {
  if (Number.isFinite(loss)) return loss
  throw new Refusal(
    'engine-wrong-numbers',
    engine,
    `the loss is ${loss}`,
    'The step is wrong; its memory counts for nothing.',
  )
}

/** Ids below the vocabulary, labels below it or below the number of classes. */
function limitOf(model: ModelSpec, input: string): number {
  if (input === 'labels' && 'labels' in model) return model.labels
  if (model.family !== 'freeform') return model.vocab
  for (const b of model.blocks) if (b.block === 'embedding') return b.vocab
  return 2
}

function writeTrace(
  { onTrace }: RunHooks,
  header: { request: RunRequest; stack: string; hash: string; train: TrainSpec },
  events: readonly TraceEvent[],
): void {
  if (!onTrace) return
  const { request, stack, hash, train } = header
  const model = request.model.name
  onTrace(
    JSON.stringify({
      schema: 'tidemark/trace@1',
      runtime: stack,
      predicted_hash: hash,
      model,
      train,
      seed: request.seed,
    }),
  )
  for (const e of events) onTrace(JSON.stringify(e))
}
