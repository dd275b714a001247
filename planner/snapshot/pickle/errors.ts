import { Refusal } from '../../trace/errors.ts'

/**
 * Why a pickle is not read: it ends too soon (`truncated`), would run code (`executes`), holds what a memory snapshot never does
 * (`unsupported`), is larger than is read (`too-large`), or is no pickle (`malformed`).
 */
export type PickleFault = 'truncated' | 'executes' | 'unsupported' | 'too-large' | 'malformed'

const NEXT: Readonly<Record<PickleFault, string>> = {
  truncated: 'Copy the file again, or dump it again with torch.cuda.memory._dump_snapshot.',
  executes: 'Nothing was executed. Do not load it with Python; ask whoever sent it for a snapshot.',
  unsupported: 'Give the file that torch.cuda.memory._dump_snapshot wrote.',
  'too-large': 'Record fewer events: torch.cuda.memory._record_memory_history(max_entries=100000).',
  malformed: 'Give the file that torch.cuda.memory._dump_snapshot wrote.',
}

/** A pickle that is refused, with the offset of the byte where reading stopped. */
export class PickleError extends Refusal {
  readonly fault: PickleFault
  /** Of the opcode that was refused or could not be finished, from 0. */
  readonly offset: number

  constructor(fault: PickleFault, offset: number, message: string) {
    super(`pickle-${fault}`, `byte ${offset}`, message, NEXT[fault])
    this.fault = fault
    this.offset = offset
  }
}
