import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cleanEnv, tidemark } from './testing/binary.ts'

test('devices: a list for people, one document for programs', async () => {
  const { status, stdout } = await tidemark(['devices'])
  assert.is(status, 0)
  assert.match(stdout, /\nrtx4090 +24 564 +1 008 +165\.2 +82\.6 +8\.9\n/)
  const { devices } = JSON.parse((await tidemark(['devices', '--json'])).stdout)
  const h100 = devices.find((d: { name: string }) => d.name === 'h100')
  assert.is(h100.capacity_bytes, 81_559 * 2 ** 20)
  assert.match(h100.sources.rates, /^https:/)
})

test('devices show takes what the driver calls it, and no line is wider than the terminal but for addresses', async () => {
  const { status, stdout } = await tidemark(['devices', 'show', 'Tesla T4'], { env: cleanEnv({ COLUMNS: '50' }) })
  assert.is(status, 0)
  assert.match(stdout, /^t4\n/)
  assert.match(stdout, /bfloat16 +no unit for it/)
  for (const line of stdout.split('\n')) assert.ok([...line].length <= 50 || line.includes('https://'), line)
})

test('devices show of none, of several and of a name too many is refused with what to say', async () => {
  const none = await tidemark(['devices', 'show', 'rtx4091'])
  assert.is(none.status, 2)
  assert.match(none.stderr, /devices show: "rtx4091" is no known GPU/)
  assert.match((await tidemark(['devices', 'show', 'a100'])).stderr, /Say a100-80gb or a100-40gb/)
  assert.match((await tidemark(['devices', 'show'])).stderr, /needs a device/)
  assert.match((await tidemark(['devices', 'list', 'h100'])).stderr, /Say devices show h100/)
})

test('--alloc-conf decides what is reserved, and a wrong one is refused before any work', async () => {
  const reserved = async (...more: string[]): Promise<number> => {
    const args = ['estimate', 'smollm2-135m', '--method', 'full', '-s', '256', '--json', '-q', ...more]
    return JSON.parse((await tidemark(args)).stdout).result.tiers.reserved
  }
  const [plain, growing] = await Promise.all([reserved(), reserved('--alloc-conf', 'expandable_segments:True')])
  assert.ok(growing < plain, `${growing} of ${plain}`)
  const { status, stderr } = await tidemark(['estimate', 'smollm2-135m', '--alloc-conf', 'expandable_segments:yes'])
  assert.is(status, 2)
  assert.match(stderr, /--alloc-conf: expandable_segments is "yes"; expected True or False/)
})

test('the tiers rise, and the verdict names what the device lacks', async () => {
  const args = ['estimate', 'smollm2-135m', '--method', 'full', '-s', '512', '-q', '--json']
  const fits = JSON.parse((await tidemark([...args, '--gpu', 'rtx4090'])).stdout).result
  const { live, allocated, reserved, process } = fits.tiers
  assert.ok(live < allocated.bytes && allocated.bytes < reserved)
  assert.ok(reserved < process.low && process.low < process.bytes && process.bytes < process.high)
  assert.is(fits.fit.out_of_memory, null)
  assert.ok(fits.fit.needs_bytes <= process.high)
  assert.is(fits.fit.margin_bytes, fits.fit.capacity_bytes - fits.fit.needs_bytes)
  const small = `${Math.floor(fits.fit.needs_bytes / 2 ** 20) - 2}MiB`
  const not = JSON.parse((await tidemark([...args, '--gpu', small])).stdout).result.fit
  assert.not(not.fits)
  assert.match(not.out_of_memory.phase, /forward|backward|optimizer/)
})

test.run()
