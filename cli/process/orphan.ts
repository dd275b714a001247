import { Worker } from 'node:worker_threads'

/** Runs beside the engine, which may be inside one native call for minutes and hears no `disconnect` there. */
const WATCH = `
const { workerData } = require('node:worker_threads')
setInterval(() => { if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL') }, 500)
`

/**
 * Ends this process within a second after its parent is gone, whatever it is doing. The worker's own streams are kept from this
 * process's: joining them would make standard error non-blocking, and what native code writes there would be cut off.
 */
export function endWithParent(): void {
  new Worker(WATCH, { eval: true, workerData: process.ppid, stdout: true, stderr: true }).unref()
}
