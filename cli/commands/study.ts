import { fastestThatHolds, hostCandidatesFor } from '../engines.ts'
import { EXIT } from '../errors.ts'
import { checkOutputPath } from '../files/write.ts'
import { type FoundModel, resolveModel } from '../model/resolve.ts'
import { checkpointFiles } from '../model/weights.ts'
import { ProgressBar } from '../output/progress.ts'
import { studyText } from '../output/study.ts'
import { CHILD } from '../process/execute.ts'
import { studyInChild } from '../process/supervise.ts'
import { aboutOf } from '../study/about.ts'
import { corporaFor } from '../study/corpora.ts'
import { requestOf } from '../study/request.ts'
import { ResultsFile } from '../study/results.ts'
import { documentOf } from '../study/task.ts'
import { chosenTokenizer, loadTokenizer } from '../study/tokenizers/choose.ts'
import type { Run } from '../usage/command.ts'
import { textArgument } from './arguments.ts'
import { contextOf, pageOf } from './context.ts'
import { checkOutputs, emit, tell, writeReport } from './emit.ts'

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'study', textArgument(args, 'model'))
  const { values, terminal } = context
  await checkOutputs(context)
  if (values.results !== undefined) await checkOutputPath(values.results, '--results')
  const [{ defaultRate, PRESETS, presetOf, presetTokenizer }, { studySetting }] = await Promise.all([
    import('../../planner/study/index.ts'),
    import('../../planner/study/setting.ts'),
  ])
  const overrides = { task: values.task, layers: values.layers }
  const isPreset = PRESETS.includes(context.model)
  const resolved = isPreset ? null : await resolveModel(context.model, overrides, terminal.env)
  const checkpoint = resolved?.weights === undefined ? [] : await checkpointFiles(context.model, terminal.env)
  const choice = chosenTokenizer(values.tokenizer, checkpoint, presetTokenizer(context.model))
  const { tokenizer, digest } = await loadTokenizer(choice)
  const found: FoundModel = resolved ?? {
    spec: presetOf(context.model, overrides, tokenizer.size),
    source: 'tidemark, for studies',
  }
  const corpora = await corporaFor(values.text, values.pretrain_text, checkpoint.length > 0)
  const reading = digest === null ? null : { name: tokenizer.name, digest }
  const planned = requestOf(context, found.spec, corpora, checkpoint, reading)
  const largest = Math.max(...planned.ranks)
  const settings = planned.methods.map((method) =>
    studySetting(planned.model, 'wasm', method, method === 'full' ? null : largest, planned.options),
  )
  const runs = settings.map(({ train }) => ({ model: planned.model, train }))
  const engine = await fastestThatHolds(await hostCandidatesFor(values.engine), runs, context.typed)
  const request = { ...planned, engine }
  const results = values.results === undefined ? null : await ResultsFile.open(values.results)
  if (results !== null && results.records.length > 0)
    terminal.say(`${values.results}: ${results.records.length} runs are there`)
  const bar = new ProgressBar(terminal, found.spec.name)
  const rates = planned.methods.map((m) => `${m} ${defaultRate(m, found.spec.task)}`)
  const about = aboutOf(context, found, settings.at(-1)!.train, rates)
  const task = {
    request,
    about,
    tokenizer: choice,
    finished: results?.records ?? [],
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
    const result = documentOf(about, body)
    bar.clear()
    emit(context, result, () => studyText(result, pageOf(context)))
    tell(context, result.input.assumptions, result.warnings)
    await writeReport(context, result, null)
    return EXIT.done
  } finally {
    bar.clear()
  }
}
