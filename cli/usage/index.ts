import type { Command } from './command.ts'
import { compare } from './compare.ts'
import { completion } from './completion.ts'
import { devices } from './devices.ts'
import { engines } from './engines.ts'
import { estimate } from './estimate.ts'
import { inspect } from './inspect.ts'
import { models } from './models.ts'
import { plan } from './plan.ts'
import { report } from './report.ts'
import { run } from './run.ts'
import { study } from './study.ts'

/** Every command, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  estimate,
  compare,
  run,
  plan,
  study,
  report,
  inspect,
  models,
  devices,
  engines,
  completion,
]
