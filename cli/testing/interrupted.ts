import { OutputFile } from '../files/write.ts'
import { stopOnSignals } from '../process/interrupt.ts'
import { runInChild } from '../process/supervise.ts'
import { FAKE_CHILD, fakeRequest } from './stand-ins.ts'

/** A program that is in the middle of a run, with a trace half written: for the test of Ctrl-C. */
stopOnSignals()
const file = new OutputFile(process.argv[2] ?? 'trace.jsonl')
await runInChild(FAKE_CHILD, fakeRequest('busy'), {
  onProgress: () => process.stdout.write('running\n'),
  onTrace: (lines) => file.write(lines),
})
