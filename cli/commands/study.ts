import { describeDimensions } from '../../models/describe.ts'
import type { ModelSpec } from '../../models/spec.ts'
import type { StudyResult } from '../../planner/result/study.ts'
import type { StudyRequest } from '../../planner/study/request.ts'
import { settingOf } from '../../planner/training/resolve.ts'
import { fastestThatHolds, hostCandidatesFor } from '../engines.ts'
import { EXIT } from '../errors.ts'
import { checkOutputPath } from '../files/write.ts'
import { OUTPUT_FLAGS } from '../flags.ts'
import { type FoundModel, resolveModel } from '../model/resolve.ts'
import { checkpointFiles } from '../model/weights.ts'
import { ProgressBar } from '../output/progress.ts'
import { studyText } from '../output/study.ts'
import { CHILD } from '../process/execute.ts'
import { studyInChild } from '../process/supervise.ts'
import { corporaFor } from '../study/corpora.ts'
import { ResultsFile } from '../study/results.ts'
import { toolVersion } from '../version.ts'
import { type Command, textArgument } from './command.ts'
import { type Context, contextOf, pageOf } from './context.ts'
import { checkOutputs, emit, tell } from './emit.ts'

const DEFAULTS = { seeds: 3, steps: 200, pretrainSteps: 800, batch: 8, tokens: 64, ranks: [8] } as const

export const study: Command = {
  usage: 'study <model>',
  describe: 'Trains with each method on real text: quality beside measured memory',
  flags: [
    'study_methods',
    'ranks',
    'learning_rates',
    'seeds',
    'study_steps',
    'study_batch_size',
    'study_seq_len',
    'pretrain_steps',
    'text',
    'pretrain_text',
    'results',
    'adapters',
    'study_alpha',
    'lora_dropout',
    'study_targets',
    'task',
    'layers',
    'engine',
    'unit',
    ...OUTPUT_FLAGS,
  ],
  positionals: {
    model: {
      describe:
        'tiny-decoder, tiny-encoder, tiny-encoder-decoder, or a model as estimate takes it, with its weights beside its config',
    },
  },
  examples: [
    [
      'tidemark study tiny-decoder --results decoder.jsonl',
      'four methods, three seeds; goes on from the file if stopped',
    ],
    ['tidemark study tiny-decoder --ranks 1,8,64 --learning-rates 1e-3,1e-2', 'a sweep'],
  ],
  async run(args, raw) {
    const context = await contextOf(raw, this.flags, 'study', textArgument(args, 'model'))
    const { values, terminal } = context
    await checkOutputs(context)
    if (values.results !== undefined) await checkOutputPath(values.results, '--results')
    const [{ METHOD_TABLE, presetOf }, { studySetting }] = await Promise.all([
      import('../../planner/study/index.ts'),
      import('../../planner/study/setting.ts'),
    ])
    const overrides = { task: values.task, layers: values.layers }
    const preset = presetOf(context.model, overrides)
    const found: FoundModel = preset
      ? { spec: preset, source: 'tidemark, for studies' }
      : await resolveModel(context.model, overrides, terminal.env)
    const checkpoint = found.weights === undefined ? [] : await checkpointFiles(context.model, terminal.env)
    const corpora = await corporaFor(values.text, values.pretrain_text, checkpoint.length > 0)
    const planned = requestOf(context, found.spec, corpora, checkpoint)
    const settings = planned.methods.map((method) =>
      studySetting(
        planned.model,
        planned.engine,
        method,
        method === 'full' ? null : Math.max(...planned.ranks),
        planned.options,
      ),
    )
    const runs = settings.map(({ train }) => ({ model: planned.model, train }))
    const engine = await fastestThatHolds(await hostCandidatesFor(values.engine), runs, context.typed)
    const request = { ...planned, engine }
    const results = values.results === undefined ? null : await ResultsFile.open(values.results)
    if (results !== null && results.runs.length > 0)
      terminal.say(`${values.results}: ${results.runs.length} runs are there`)
    const bar = new ProgressBar(terminal, found.spec.name)
    const task = {
      request,
      finished: results?.runs ?? [],
      checkpoint,
      base: values.results ?? null,
      adapters: values.adapters ?? null,
    }
    try {
      const body = await studyInChild(CHILD, task, {
        onProgress: (progress) => bar.update(progress),
        onTrace: (lines) => results?.add(lines),
        ...(terminal.manners.debug ? { onOutput: (text: string) => terminal.complain(text.trimEnd()) } : {}),
      })
      const last = settings.at(-1)!
      const result: StudyResult = {
        schema: 'tidemark/study@1',
        tool: { name: 'tidemark', version: toolVersion() },
        command: context.typed,
        input: {
          model: {
            name: found.spec.name,
            architecture: found.spec.architecture,
            family: found.spec.family,
            source: found.source,
            dimensions: describeDimensions(found.spec),
          },
          training: settingOf(last.train),
          stack: body.stack,
          assumptions: assumptionsOf(
            context,
            planned.methods.map((m) => `${m} ${METHOD_TABLE[m].learningRate}`),
          ),
        },
        result: body,
        warnings: [],
      }
      bar.clear()
      emit(context, result, () => studyText(result, pageOf(context)))
      tell(context, result.input.assumptions, result.warnings)
      return EXIT.done
    } finally {
      bar.clear()
    }
  },
}

function requestOf(
  { values }: Context,
  model: ModelSpec,
  corpora: StudyRequest['corpora'],
  checkpoint: readonly string[],
): StudyRequest {
  const tokens = values.study_seq_len ?? DEFAULTS.tokens
  return {
    model,
    engine: 'wasm',
    options: {
      batch_size: values.study_batch_size ?? DEFAULTS.batch,
      seq_len: tokens,
      ...(model.task === 'seq2seq-lm' ? { target_seq_len: tokens } : {}),
      lora_alpha: values.study_alpha,
      lora_dropout: values.lora_dropout,
      target_modules: values.study_targets,
    },
    methods: values.study_methods ?? ['full', 'lora', 'lora-fa', 'lora-fa-corrected'],
    ranks: values.ranks ?? DEFAULTS.ranks,
    learningRates: values.learning_rates ?? [],
    seeds: Array.from({ length: values.seeds ?? DEFAULTS.seeds }, (_, seed) => seed),
    steps: values.study_steps ?? DEFAULTS.steps,
    pretrainSteps: values.pretrain_steps ?? DEFAULTS.pretrainSteps,
    corpora,
    checkpoint: checkpoint.length === 0 ? null : checkpoint.join(', '),
  }
}

function assumptionsOf({ values }: Context, rates: readonly string[]): StudyResult['input']['assumptions'] {
  return [
    ...(values.learning_rates ? [] : [{ what: 'learning-rates', value: rates.join(', '), from: 'docs/study.md' }]),
    ...(values.study_targets ? [] : [{ what: 'target-modules', value: 'all-linear', from: "a study's own default" }]),
    ...(values.study_alpha === undefined
      ? [{ what: 'lora-alpha', value: 'twice the rank', from: 'one scale at every rank' }]
      : []),
    {
      what: 'learning rate',
      value: 'warm-up over 5 %, then linear to nothing',
      from: "the Trainer's default schedule",
    },
    { what: 'weight decay', value: '0', from: "the Trainer's default" },
  ]
}
