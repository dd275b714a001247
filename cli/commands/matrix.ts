import type { CompareResult } from '../../planner/result/compare.ts'
import { matrixOf } from '../../planner/solve/index.ts'
import type { Page } from '../output/estimate.ts'
import { matrixText } from '../output/matrix.ts'
import type { Prepared } from './prepared.ts'

/** A comparison with the matrix of methods and what they are combined with. The setting is that of its last method. */
export function withMatrix(result: CompareResult, { found, stack, methods }: Prepared): CompareResult {
  const { train } = methods.at(-1) ?? methods[0]
  return { ...result, result: { ...result.result, matrix: matrixOf(found.spec, train, stack) } }
}

export const textOf = ({ result }: CompareResult, page: Page): string =>
  result.matrix ? matrixText(result.matrix, page) : ''
