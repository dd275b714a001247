import { constants } from 'node:os'
import { removeUnfinished } from '../files/write.ts'

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'
const SIGNALS: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Ends what this process started; called inside the signal handler, so it must not wait. */
const stops = new Set<() => void>()

/** Registers what has to end when the person says stop; call the result when it has ended by itself. */
export function onStop(stop: () => void): () => void {
  stops.add(stop)
  return () => stops.delete(stop)
}

/** Ctrl-C: kill the children, remove what was begun, exit at once with 128 and the signal's number (130 for SIGINT). */
export function stopOnSignals(): void {
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      for (const stop of stops) stop()
      removeUnfinished()
      process.exit(128 + constants.signals[signal])
    })
  }
}
