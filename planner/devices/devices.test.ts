import { SKUS } from '@huggingface/tasks'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVICES, type Device, findDevices } from './index.ts'

/** Names that another table, kept by others, gives the same device. What it does not list is not checked against it. */
const SKU_NAMES: Readonly<Record<string, string>> = {
  b300: 'B300',
  b200: 'B200',
  h200: 'H200',
  h100: 'H100',
  h800: 'H800',
  h20: 'H20',
  'a100-80gb': 'A100',
  'a100-40gb': 'A100',
  a30: 'A30',
  l40s: 'L40s',
  l40: 'L40',
  l4: 'L4',
  a40: 'A40',
  a10: 'A10',
  'v100-32gb': 'V100',
  'v100-16gb': 'V100',
  t4: 'T4',
  'rtx-pro-6000': 'RTX PRO 6000 WS',
  'rtx-pro-6000-max-q': 'RTX PRO 6000 Max-Q',
  'rtx6000-ada': 'RTX 6000 Ada',
  'rtx5000-ada': 'RTX 5000 Ada',
  a6000: 'RTX A6000',
  a5000: 'RTX A5000',
  a4000: 'RTX A4000',
  mi300x: 'MI300',
  mi210: 'MI210',
  w7900: 'PRO W7900',
  r9700: 'R9700 PRO',
}

/** `rtx4070ti-super` → `RTX4070TISUPER`, as the other table's `RTX 4070 Ti Super` reads without spaces. */
const squeezed = (name: string): string =>
  name
    .toUpperCase()
    .replace(/-\d+GB$/, '')
    .replace(/[^A-Z0-9]/g, '')

interface Sku {
  readonly memory?: readonly number[]
  readonly computeCapability?: number
}

function skuOf(device: Device): Sku | undefined {
  const tables: Readonly<Record<Device['vendor'], Readonly<Record<string, Sku>>>> = {
    nvidia: SKUS.GPU.NVIDIA,
    amd: SKUS.GPU.AMD,
    apple: SKUS['Apple Silicon']['-'],
  }
  const table = tables[device.vendor]
  const name = SKU_NAMES[device.name]
  if (name !== undefined) return table[name]
  const found = Object.entries(table).find(([sku]) => squeezed(sku.replace('Apple ', '')) === squeezed(device.name))
  return found?.[1]
}

test('gigabytes and capability are those of the table of @huggingface/tasks', () => {
  let checked = 0
  for (const device of DEVICES) {
    const sku = skuOf(device)
    if (!sku) continue
    checked++
    const marketed = device.marketed * (device.name === 'mi250' ? 2 : 1)
    assert.ok(sku.memory?.includes(marketed), `${device.name}: ${device.marketed} of ${sku.memory}`)
    // it has one capability for Blackwell of either kind of server
    if (sku.computeCapability !== undefined && device.name !== 'b300')
      assert.is(Number(device.capability), sku.computeCapability, device.name)
  }
  assert.ok(checked >= 80, `${checked} of ${DEVICES.length} devices are in both tables`)
})

test('a driver reports at most what is on the box, and not much less', () => {
  for (const { name, vendor, mib, marketed } of DEVICES) {
    const share = mib / (marketed * 1024)
    // H200, GH200, H100 NVL and H20 count their gigabytes in tens: 141 × 10⁹ bytes are 131 GiB, and more is reported.
    assert.ok(share <= 1 && share > (vendor === 'apple' ? 0.66 : 0.92), `${name}: ${(100 * share).toFixed(1)} %`)
  }
})

test('rates are ordered as matrix units make them', () => {
  for (const { name, tflops, gbps } of DEVICES) {
    const half = tflops.float16 ?? tflops.float32
    assert.ok(half >= (tflops.tensorFloat32 ?? 0) && (tflops.tensorFloat32 ?? half) >= tflops.float32, name)
    if (tflops.bfloat16 !== undefined) assert.is(tflops.bfloat16, tflops.float16, name)
    assert.ok(gbps >= 68 && gbps <= 8000, name)
  }
})

test('no name, product or alias means two devices; each finds its own', () => {
  const names = DEVICES.map((d) => d.name)
  assert.is(new Set(names).size, names.length)
  for (const device of DEVICES)
    for (const text of [device.name, device.product, ...(device.aliases ?? [])]) {
      assert.equal(
        findDevices(text).map((d) => d.name),
        [device.name],
        text,
      )
    }
})

test('a beginning finds all it may mean, nothing finds nothing', () => {
  assert.equal(
    findDevices('A100').map((d) => d.name),
    ['a100-80gb', 'a100-40gb'],
  )
  assert.equal(findDevices('NVIDIA GeForce RTX 4090')[0]?.name, 'rtx4090')
  assert.equal(findDevices('nvidia'), [])
  assert.equal(findDevices('4090'), [])
})

test('every row says where it is from', () => {
  for (const { name, sources } of DEVICES) assert.ok(sources.memory !== '' && /^https:/.test(sources.rates), name)
})

test.run()
