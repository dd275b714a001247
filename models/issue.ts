/** Kinds of input errors. Scripts may depend on them: only additions. */
export type IssueCode =
  | 'syntax'
  | 'too-large'
  | 'too-deep'
  | 'forbidden-key'
  | 'duplicate-key'
  | 'unknown-model'
  | 'unknown-architecture'
  | 'unknown-key'
  | 'unknown-dimension'
  | 'missing-field'
  | 'wrong-type'
  | 'out-of-range'
  | 'indivisible'
  | 'conflict'
  | 'unsupported'
  | 'expression'
  | 'cycle'
  | 'structure'

/** One thing wrong with an input: what, where, what was expected, what to do next. */
export interface Issue {
  readonly code: IssueCode
  /** `config.json:12:5 hidden_size`, or without a position when the input was not text. */
  readonly where: string
  readonly message: string
  readonly expected: string
  readonly next: string
}

/** All that is wrong with one input, together. The only error this folder throws for bad input. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly issues: readonly Issue[]

  /** @param issues at least one; the message lists them all, a line each */
  constructor(issues: readonly Issue[]) {
    super(issues.map(formatIssue).join('\n'))
    this.issues = issues
  }
}

/** One line for people: `config.json:3:3 num_attention_heads: is 0; expected an integer from 1 to 16384. Next step.` */
export function formatIssue(issue: Issue): string {
  return `${issue.where}: ${issue.message}; expected ${issue.expected}. ${issue.next}`
}

/** Throws what was collected, if anything was. @throws ModelError */
export function throwIfAny(issues: readonly Issue[]): void {
  if (issues.length > 0) throw new ModelError(issues)
}
