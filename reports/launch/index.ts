import { axolotl } from './axolotl.ts'
import type { Launch, Launched } from './launch.ts'
import { accelerate, deepspeed, fsdp, torchrun, trl } from './launchers.ts'
import { llamaFactory } from './llama-factory.ts'
import { peft } from './peft.ts'
import { torchtune } from './torchtune.ts'

export type { Launch, Launched, LaunchFile } from './launch.ts'

/** Tools that files can be written for. */
export const LAUNCHERS = {
  accelerate,
  deepspeed,
  fsdp,
  torchrun,
  trl,
  axolotl,
  'llama-factory': llamaFactory,
  torchtune,
  peft,
} as const satisfies Readonly<Record<string, (launch: Launch) => Launched>>

export type LauncherName = keyof typeof LAUNCHERS

/**
 * The files that start a setting in a tool. Pure: whoever calls writes them.
 *
 * @throws Refusal naming what the tool has no words for, and what to say instead
 */
export const emit = (tool: LauncherName, launch: Launch): Launched => LAUNCHERS[tool](launch)
