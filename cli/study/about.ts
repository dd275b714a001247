import { describeDimensions } from '../../models/describe.ts'
import { settingOf } from '../../planner/training/resolve.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import type { Context } from '../commands/context.ts'
import type { FoundModel } from '../model/resolve.ts'
import { toolVersion } from '../version.ts'
import type { StudyAbout } from './task.ts'

/**
 * What the document says beside its body; the setting is the last method's.
 *
 * @param rates that were chosen here, by method
 */
export function aboutOf(context: Context, found: FoundModel, train: TrainSpec, rates: readonly string[]): StudyAbout {
  const { spec } = found
  return {
    schema: 'tidemark/study@1',
    tool: { name: 'tidemark', version: toolVersion() },
    command: context.typed,
    input: {
      model: {
        name: spec.name,
        architecture: spec.architecture,
        family: spec.family,
        source: found.source,
        dimensions: describeDimensions(spec),
      },
      training: settingOf(train),
      stack: '',
      assumptions: assumptionsOf(context, rates),
    },
    warnings: [],
  }
}

function assumptionsOf({ values }: Context, rates: readonly string[]): StudyAbout['input']['assumptions'] {
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
