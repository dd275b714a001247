export { bodyOf, type Gpu, predict } from './estimate.ts'
export { savingsOf } from './savings.ts'
export { type Simulation, simulate } from './simulate.ts'
export { DEFAULT_STACK, resolveStack, STACKS, type Stack } from './stack.ts'
