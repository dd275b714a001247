import { AMD } from './amd.ts'
import { APPLE } from './apple.ts'
import type { Device } from './device.ts'
import { NVIDIA_DATACENTER } from './nvidia-datacenter.ts'
import { NVIDIA_GEFORCE } from './nvidia-geforce.ts'
import { NVIDIA_WORKSTATION } from './nvidia-workstation.ts'

export { capacityOf, type Device, type Rates, type Vendor } from './device.ts'

export const DEVICES: readonly Device[] = [
  ...NVIDIA_DATACENTER,
  ...NVIDIA_WORKSTATION,
  ...NVIDIA_GEFORCE,
  ...AMD,
  ...APPLE,
]

const plain = (name: string): string => name.toLowerCase().replace(/nvidia|geforce|[^a-z0-9]/g, '')

/**
 * The devices that a text may mean: those of exactly that name, product or alias, else those whose name begins with it. `4090`
 * finds nothing, `rtx4090`, `RTX 4090` and `NVIDIA GeForce RTX 4090` find the card, `a100` finds two.
 */
export function findDevices(text: string): readonly Device[] {
  const said = plain(text)
  if (said === '') return []
  const exact = DEVICES.filter((d) => [d.name, d.product, ...(d.aliases ?? [])].some((n) => plain(n) === said))
  return exact.length > 0 ? exact : DEVICES.filter((d) => plain(d.name).startsWith(said))
}
