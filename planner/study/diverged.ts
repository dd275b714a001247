/** A training whose loss is no number any more. */
export class Diverged extends Error {
  readonly step: number
  readonly learningRate: number

  /** @param step counted from 1; 0 before the first */
  constructor(step: number, learningRate: number) {
    super(`the loss is no number at step ${step}, at the rate ${learningRate}`)
    this.step = step
    this.learningRate = learningRate
  }
}
