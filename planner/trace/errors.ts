/** A setting or model that tidemark refuses: what, where, and what to do next. Exit code 2. */
export class Refusal extends Error {
  readonly code: string
  /** The flag, file place or field it is about. */
  readonly where: string
  readonly next: string

  constructor(code: string, where: string, message: string, next: string) {
    super(message)
    this.code = code
    this.where = where
    this.next = next
  }
}
