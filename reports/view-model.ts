import type { Input } from '../planner/result/common.ts'
import type { CompareResult, MethodResult } from '../planner/result/compare.ts'
import type { EstimateBody, EstimateResult } from '../planner/result/estimate.ts'
import type { PlanResult } from '../planner/result/plan.ts'
import type { Executed, RunResult } from '../planner/result/run.ts'
import type { StudyResult } from '../planner/result/study.ts'
import { trainingCode } from './reproduce/code.ts'
import { settingJson } from './reproduce/setting.ts'
import { type Answer, answerOf } from './view/answer.ts'
import { type BarsView, barsOf } from './view/bars.ts'
import { type MatrixView, matrixView } from './view/matrix.ts'
import { type Fit, type MethodView, methodView } from './view/method.ts'
import { type ProofView, proofView } from './view/proof.ts'
import { type SavingView, savingViews } from './view/saving.ts'
import { settingWords, stackWords } from './words.ts'

/** What a report of a step's memory can be made of: documents that `--json` prints. */
export type ReportResult = EstimateResult | CompareResult | RunResult

/** Every document that a page, a table or a chart can be made of. */
export type Reportable = ReportResult | StudyResult | PlanResult

export const isStudy = (result: Reportable): result is StudyResult => result.schema === 'tidemark/study@1'

export const isPlan = (result: Reportable): result is PlanResult => result.schema === 'tidemark/plan@1'

/** Whether a result is of one step's memory, and neither a study nor a plan. */
export const isStep = (result: Reportable): result is ReportResult => !isStudy(result) && !isPlan(result)

/** What a report says, before anybody decides how it looks. All figures are the result's own integers. */
export interface ReportView {
  /** Begins the ids of its elements; empty for the first result of a page. */
  readonly id: string
  readonly title: string
  readonly model: string
  readonly architecture: string
  readonly dimensions: readonly (readonly [symbol: string, size: number])[]
  readonly setting: string
  readonly stack: string
  readonly answer: Answer
  /** Predicted for `stack`, all simulated. A run has its own prediction here, since its stack is the one that ran. */
  readonly methods: readonly MethodView[]
  readonly bars: BarsView
  readonly savings: readonly SavingView[]
  /** Of a comparison with --matrix, for the setting as it was written. */
  readonly matrix: MatrixView | null
  /** Executed steps, each with its own prediction, never on the bars of another stack. */
  readonly proofs: readonly ProofView[]
  /** Absent where `bars` are already those of the executed stack. */
  readonly proofBars: BarsView | null
  readonly fit: Fit | null
  readonly assumptions: Input['assumptions']
  readonly environment: readonly (readonly [name: string, value: string])[]
  /** How to get the same again. `code` is null where there is no script for it. */
  readonly reproduce: { readonly command: string; readonly setting: string; readonly code: string | null }
  readonly tool: string
  readonly warnings: readonly string[]
}

/**
 * Reads any result into what its report says.
 *
 * @param index of the result among those of one page
 * @throws RangeError if it compares no method at all
 */
export function viewOf(result: ReportResult, index = 0): ReportView {
  const id = index === 0 ? '' : `r${index}-`
  const { methods, executed, savings, matrix } = contents(result)
  if (methods.length === 0) throw new RangeError('a result without methods has nothing to report')
  const { input } = result
  const isRun = result.schema === 'tidemark/run@1'
  const views = methods.map((m, i) => methodView(m, `${id}m${i}`))
  const proofs = executed.map((e, i) => proofView(e, `${id}x${i}`))
  const own = barsOf(proofs.map((p) => ({ method: p.method, measured: p.measuredPeak, fit: null })))
  const fit = methods.find((m) => m.estimate.fit !== null)?.estimate.fit ?? null
  return {
    id,
    title: `${input.model.name}: memory of a training step`,
    model: input.model.name,
    architecture: input.model.architecture,
    dimensions: Object.entries(input.model.dimensions),
    setting: settingWords(input.training),
    stack: stackWords(input.stack),
    answer: answerOf(views, proofs),
    methods: views,
    bars: isRun ? own : barsOf(views.map((method) => ({ method, measured: null, fit }))),
    savings: savingViews(savings, views),
    matrix: matrix === undefined ? null : matrixView(matrix),
    proofs,
    proofBars: isRun || proofs.length === 0 ? null : own,
    fit,
    assumptions: input.assumptions,
    environment: environmentOf(executed),
    reproduce: {
      command: result.command,
      setting: settingJson(
        input,
        result.schema === 'tidemark/compare@1' ? methods.map((m) => m.method) : null,
        fit?.gpu ?? null,
      ),
      code: isRun ? null : trainingCode(input),
    },
    tool: `${result.tool.name} ${result.tool.version}`,
    warnings: result.warnings,
  }
}

interface Contents {
  readonly methods: readonly { readonly method: string; readonly estimate: EstimateBody }[]
  readonly executed: readonly Executed[]
  readonly savings: CompareResult['result']['savings']
  readonly matrix?: CompareResult['result']['matrix']
}

function contents(result: ReportResult): Contents {
  switch (result.schema) {
    case 'tidemark/estimate@1':
      return { methods: [{ method: result.input.training.method, estimate: result.result }], executed: [], savings: [] }
    case 'tidemark/compare@1': {
      const executed = result.result.methods.flatMap((m: MethodResult) => (m.executed ? [m.executed] : []))
      return { ...result.result, executed }
    }
    case 'tidemark/run@1': {
      const { executed } = result.result
      const method = { method: executed.training.method, estimate: executed.predicted }
      return { methods: [method], executed: [executed], savings: [] }
    }
  }
}

/** What the executed steps ran on; where they agree (they run in one go), once. */
function environmentOf(executed: readonly Executed[]): [string, string][] {
  const values = new Map<string, Set<string>>()
  for (const e of executed)
    for (const [name, value] of Object.entries(e.environment))
      values.set(name, (values.get(name) ?? new Set<string>()).add(value))
  return [...values].map(([name, found]) => [name, [...found].join(' / ')])
}
