/** What went wrong on an engine, where, and what to do next. */
export type EngineFailure =
  | 'unknown-engine'
  | 'engine-not-loaded'
  | 'engine-busy'
  | 'out-of-memory'
  | 'engine-warning'
  | 'wrong-numbers'
  | 'not-on-host'
  | 'not-executed'
  | 'bad-batch'
  | 'not-materialized'

/** An engine cannot do, or did not do, what a step asked of it. The step's figures must not be used. */
export class EngineError extends Error {
  readonly code: EngineFailure
  /** The engine, operation or parameter it is about. */
  readonly where: string
  readonly next: string

  constructor(code: EngineFailure, where: string, message: string, next: string) {
    super(message)
    this.name = 'EngineError'
    this.code = code
    this.where = where
    this.next = next
  }
}
