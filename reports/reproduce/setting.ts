import type { Input } from '../../planner/result/common.ts'

/**
 * The setting as a file for `--config`. A comparison's own setting is its last method's: what that method's name stands for
 * (`qlora`) stays with the name, and a switch that is off is left out.
 *
 * @param methods of a comparison; null for one method
 */
export function settingJson(
  { training, stack, assumptions }: Input,
  methods: readonly string[] | null,
  gpu: string | null,
) {
  const { method, ...setting } = training
  const named = assumptions.filter((a) => a.from.startsWith('--method ')).map((a) => a.what.replaceAll('-', '_'))
  const own = Object.entries(setting).filter(
    ([key, value]) => value !== false && (methods === null || !named.includes(key)),
  )
  const hardware = gpu === null ? {} : { gpu }
  const what = methods === null ? { method } : { methods }
  return JSON.stringify({ ...what, ...Object.fromEntries(own), stack, ...hardware }, null, 2)
}
