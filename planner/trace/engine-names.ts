/** What can run a step, the fastest first: tfjs backends by the package that brings them, but for `wasm`, `webgpu` and `cpu`. */
export const ENGINE_NAMES = ['tfjs-node-gpu', 'tfjs-node', 'webgpu', 'wasm', 'cpu'] as const
export type EngineName = (typeof ENGINE_NAMES)[number]
