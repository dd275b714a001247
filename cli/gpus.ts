import { nearest } from '../models/nearest.ts'
import { printable } from '../models/source.ts'
import { capacityOf, DEVICES, type Device, findDevices } from '../planner/devices/index.ts'
import type { Gpu } from '../planner/predict/index.ts'
import { parseBytes } from '../planner/trace/bytes.ts'
import { type Problem, UsageError } from './errors.ts'

/** A device by name, or a size with its unit. @throws UsageError for a bare number, an unknown or an ambiguous name */
export function resolveGpu(text: string, where = '--gpu'): Gpu {
  const bytes = parseBytes(text)
  if (bytes !== undefined && bytes > 0 && Number.isSafeInteger(bytes)) {
    return { name: text.trim(), bytes, device: null }
  }
  const device = resolveDevice(text, where, ' A size such as 80GiB works for any.')
  return { name: device.name, bytes: capacityOf(device), device }
}

/** A device by name. `more` closes what to do next. @throws UsageError for an unknown or an ambiguous name */
export function resolveDevice(text: string, where: string, more = ''): Device {
  const found = findDevices(text)
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  throw new UsageError([problem(text, where, found, more)])
}

function problem(text: string, where: string, found: readonly Device[], more: string): Problem {
  const said = `"${printable(text)}"`
  if (/^\s*[\d.]+\s*$/.test(text)) {
    const next = `Write ${text.trim()}GiB (2^30) or ${text.trim()}GB (10^9).`
    return { where, message: `is ${said}, a number without a unit`, next }
  }
  const names = found.map((d) => d.name)
  if (names.length > 1) return { where, message: `${said} is several GPUs`, next: `Say ${names.join(' or ')}.` }
  const near = nearest(
    text,
    DEVICES.map((d) => d.name),
  )
  const start =
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : '`tidemark devices` lists those that are known.'
  return { where, message: `${said} is no known GPU and no size`, next: `${start}${more}` }
}
