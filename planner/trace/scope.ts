/** Layer numbers folded, as tables print a path: `model.layers.3.mlp` → `model.layers.*.mlp`. */
export function foldScope(scope: string): string {
  const known = folded.get(scope)
  if (known !== undefined) return known
  const result = scope.replace(/\.\d+(?=\.|$)/g, '.*')
  folded.set(scope, result)
  return result
}

const folded = new Map<string, string>()
