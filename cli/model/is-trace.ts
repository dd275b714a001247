/** Whether a text begins as `run --trace` and `estimate --trace` begin theirs. */
export const isTrace = (text: string): boolean => /^\s*\{\s*"schema"\s*:\s*"tidemark\/trace@/.test(text)
