import { type Defaults, hasSelective } from './defaults.ts'
import { flagOf, type TrainingOptions } from './options.ts'
import type { RefusalList } from './refusals.ts'
import type { TrainSpec } from './spec.ts'

/** What of a selective checkpoint a setting says; adds what does not go together. */
export function selectiveOf(
  { checkpoint_every: every = 1, checkpoint_keep: keep = 'none' }: TrainingOptions,
  { checkpointing, attention }: Pick<TrainSpec, 'checkpointing' | 'attention'>,
  defaults: Defaults,
  problems: RefusalList,
): Pick<TrainSpec, 'checkpointEvery' | 'checkpointKeep'> {
  const asked = [...(every > 1 ? ['checkpoint_every'] : []), ...(keep === 'none' ? [] : ['checkpoint_keep'])]
  for (const flag of asked.map(flagOf)) {
    if (checkpointing === 'none')
      problems.add(
        'conflict',
        flag,
        'is about checkpoints, and there are none',
        'Say --gradient-checkpointing non-reentrant.',
      )
    else if (!hasSelective(defaults))
      problems.add('not-in-stack', flag, 'is modelled for transformers 5', 'Leave --stack out, or leave it out.')
  }
  if (keep !== 'none' && checkpointing === 'reentrant') {
    const message = `is ${keep}; a reentrant checkpoint keeps nothing but its inputs`
    problems.add('conflict', flagOf('checkpoint_keep'), message, 'Say --gradient-checkpointing non-reentrant.')
  }
  if (keep !== 'none' && attention === 'flash_attention_2' && 'stack' in defaults) {
    const message = `is ${keep}; whether a checkpoint sees flash-attn's kernel depends on how that was built`
    problems.add(
      'not-modelled',
      flagOf('checkpoint_keep'),
      message,
      'Say --attention sdpa, which takes a flash kernel by itself.',
    )
  }
  return { ...(every > 1 ? { checkpointEvery: every } : {}), ...(keep === 'none' ? {} : { checkpointKeep: keep }) }
}
