import { rmSync } from 'node:fs'
import { onStop } from '../process/interrupt.ts'
import type { Place } from './place.ts'

/** One part of an installation. What is done is not done again: an installation that was cut off goes on from there. */
export interface Step {
  /** What it does, as progress says it. */
  readonly title: string
  /** Whether it brings files that need room on the disk. */
  readonly fetches?: boolean
  done(place: Place): boolean
  /** Leaves nothing half done behind where it fails. @throws RunError */
  run(place: Place, say: (line: string) => void): Promise<void>
}

/** Works at a path that is gone afterwards: renamed where the work succeeded, else removed, also when the person says stop. */
export async function orRemoved<T>(path: string, work: () => Promise<T>): Promise<T> {
  const remove = (): void => rmSync(path, { recursive: true, force: true })
  const forget = onStop(remove)
  remove()
  try {
    return await work()
  } finally {
    remove()
    forget()
  }
}
