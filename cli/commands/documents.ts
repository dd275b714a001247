import { savingsOf } from '../../planner/predict/savings.ts'
import type { CompareResult, MethodResult } from '../../planner/result/compare.ts'
import type { EstimateBody, EstimateResult } from '../../planner/result/estimate.ts'
import type { ByteUnit } from '../../planner/trace/bytes.ts'
import { methodName } from '../output/names.ts'
import { bytesIn } from '../output/numbers.ts'
import { warningsFor } from '../warnings.ts'
import { predictor, shownSetting } from './predicted.ts'
import { inputOf, type Prepared } from './prepared.ts'

/** What a document says beside its result. */
export interface About {
  /** The command line that gives the same. */
  readonly command: string
  readonly version: string
  /** Of the bytes in warnings; undefined takes what suits each. */
  readonly unit: ByteUnit | undefined
  /** Nobody reads the warnings: they are left out, since some take a prediction of their own. */
  readonly unheard?: boolean
}

/** What `estimate --json` prints. */
export function estimateDocument(prepared: Prepared, body: EstimateBody, about: About): EstimateResult {
  const train = shownSetting(prepared, prepared.methods[0])
  const warnings = about.unheard === true ? [] : warningsFor(train, body, bytesIn(about.unit), predictor(prepared))
  return {
    schema: 'tidemark/estimate@1',
    tool: { name: 'tidemark', version: about.version },
    command: about.command,
    input: inputOf(prepared),
    result: body,
    warnings: [...prepared.warnings, ...warnings],
  }
}

/** What `compare --json` prints. Warnings name their method. */
export function compareDocument(prepared: Prepared, methods: MethodResult[], about: About): CompareResult {
  const bytes = bytesIn(about.unit)
  const warnings = prepared.methods.flatMap((m, i) =>
    warningsFor(shownSetting(prepared, m), methods[i]!.estimate, bytes, predictor(prepared)).map(
      (w) => `${methodName(m.method)}: ${w}`,
    ),
  )
  return {
    schema: 'tidemark/compare@1',
    tool: { name: 'tidemark', version: about.version },
    command: about.command,
    input: inputOf(prepared),
    result: { methods, savings: savingsOf(methods) },
    warnings: [...prepared.warnings, ...warnings],
  }
}
