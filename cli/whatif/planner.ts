import { parseAllocatorConfig } from '../../planner/allocate/torch-cuda/index.ts'
import { aliveAt, resolveStack } from '../../planner/predict/index.ts'
import type { Recomputed, WhatIf } from '../../reports/whatif.ts'
import { compareDocument, estimateDocument } from '../commands/documents.ts'
import { predicted, predictedMethods, shownSetting } from '../commands/predicted.ts'
import { type Prepared, prepareMethods } from '../commands/prepared.ts'
import { resolveGpu } from '../gpus.ts'
import { problemsOf } from '../problems.ts'
import { changedSetup } from './changed.ts'
import { commandLineOf } from './command-line.ts'
import { controlsOf } from './controls.ts'
import type { Predicted, Setup } from './setup.ts'

/** The planner for a page: the same functions that `estimate` and `compare` call, without Node. */
export function createWhatIf(setup: Setup): WhatIf {
  const controls = controlsOf(setup, preparedOf(setup).methods.at(-1)!.setting)
  return {
    controls,
    recompute(changes, depth = 'device') {
      return told(() => documentOf(changedSetup(setup, controls, changes), depth))
    },
    aliveAt(changes, method, seq) {
      const prepared = preparedOf(changedSetup(setup, controls, changes))
      const at = prepared.methods[method]
      return at === undefined ? [] : aliveAt(prepared.found.spec, shownSetting(prepared, at), prepared.stack, seq)
    },
  }
}

/** What the command prints with `--json`; at depth `live` without what the device adds. @throws UsageError with everything that is wrong */
export function documentOf(setup: Setup, depth: 'live' | 'device' = 'device'): Predicted {
  const prepared = preparedOf(setup)
  const about = { command: commandLineOf(setup), version: setup.version, unit: undefined }
  if (setup.command === 'estimate')
    return estimateDocument(prepared, predicted(prepared, prepared.methods[0], depth), about)
  return compareDocument(prepared, predictedMethods(prepared, depth), about)
}

function preparedOf({ model, source, options, methods, stack: name, gpu, allocator }: Setup): Prepared {
  const stack = resolveStack(name)
  return prepareMethods({
    found: { spec: model, source },
    stack,
    gpu: gpu === null ? null : resolveGpu(gpu),
    allocator: parseAllocatorConfig(allocator),
    options,
    methods: methods.map((m) => m ?? undefined),
  })
}

function told(work: () => Predicted): Recomputed {
  try {
    return { ok: true, result: work() }
  } catch (error) {
    return { ok: false, problems: problemsOf(error) }
  }
}
