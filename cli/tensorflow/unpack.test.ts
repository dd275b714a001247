import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { RunError } from '../errors.ts'
import { inFolder } from '../testing/binary.ts'
import { type Place, placeOf } from './place.ts'
import { hashesOf, isNeeded, unpack } from './unpack.ts'
import { Archive } from './zip.ts'

/** A zip archive of these files, every second one stored (PKWARE APPNOTE 4.3). */
function zip(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const [parts, directory]: [Buffer[], Buffer[]] = [[], []]
  let at = 0
  Object.entries(files).forEach(([name, content], i) => {
    const bytes = Buffer.from(content)
    const packed = i % 2 === 0 ? deflateRawSync(bytes) : bytes
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(name.length, 26)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(i % 2 === 0 ? 8 : 0, 10)
    entry.writeUInt32LE(packed.length, 20)
    entry.writeUInt32LE(bytes.length, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(at, 42)
    parts.push(local, Buffer.from(name), packed)
    directory.push(entry, Buffer.from(name))
    at += 30 + name.length + packed.length
  })
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Object.keys(files).length, 10)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, listed, end])
}

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('base64url')

const FILES = {
  'tensorflow/libtensorflow_cc.so.2': Buffer.alloc(3 << 20, 'cc'),
  'tensorflow/libtensorflow_framework.so.2': 'framework',
  'tensorflow/include/tensorflow/c/eager/c_api.h': '#define TF_CAPI',
  'tensorflow/include/external/farmhash_archive/src/farmhash.h': 'the one header of another project',
  'tensorflow/include/Eigen/Core': '// no extension',
  'tensorflow/include/external/curl/curl.h': 'another project',
  'tensorflow/python/keras.py': 'python',
}

/** A home with a wheel of these files; its record lists them as they should be. */
function homeWith(folder: string, files: Readonly<Record<string, string | Buffer>>): Place {
  const place = placeOf('cpu', { TIDEMARK_CACHE: folder })
  const record = Object.entries(FILES).map(([name, content]) => `${name},sha256=${sha256(content)},${content.length}`)
  mkdirSync(place.wheel, { recursive: true })
  const whole = { ...files, 'tensorflow-2.15.1.dist-info/RECORD': `${record.join('\n')}\n` }
  writeFileSync(join(place.wheel, 'tensorflow-2.15.1-cp311.whl'), zip(whole))
  return place
}

const quiet = () => undefined

test('libraries and headers are unpacked and nothing else; the wheel goes', async () => {
  await inFolder(async (folder) => {
    const place = homeWith(folder, FILES)
    assert.is(unpack.done(place), false)
    const said: string[] = []
    await unpack.run(place, (line) => said.push(line))
    assert.is(unpack.done(place), true)
    assert.match(said.join(), /^5 files/)
    const library = readFileSync(join(place.site, 'tensorflow/libtensorflow_cc.so.2'))
    assert.ok(library.equals(FILES['tensorflow/libtensorflow_cc.so.2']))
    assert.equal(readdirSync(join(place.site, 'tensorflow/include')), ['Eigen', 'external', 'tensorflow'])
    assert.equal(readdirSync(join(place.site, 'tensorflow/include/external')), ['farmhash_archive'])
    assert.equal(readdirSync(place.home), ['site'])
  })
})

test('a file that is not what the record says is refused, and nothing is left but the way to try again', async () => {
  await inFolder(async (folder) => {
    const wrong = Buffer.from(FILES['tensorflow/libtensorflow_cc.so.2'])
    wrong[1000] = 0
    const place = homeWith(folder, { ...FILES, 'tensorflow/libtensorflow_cc.so.2': wrong })
    const error = await unpack.run(place, quiet).then(quiet, (e: unknown) => e)
    assert.instance(error, RunError)
    assert.match(String(error), /libtensorflow_cc\.so\.2 is not what the wheel's record says/)
    assert.equal(readdirSync(place.home), [])
  })
})

test('a wheel that is cut off is refused', async () => {
  await inFolder(async (folder) => {
    const place = homeWith(folder, FILES)
    const path = join(place.wheel, 'tensorflow-2.15.1-cp311.whl')
    writeFileSync(path, readFileSync(path).subarray(0, 1000))
    const error = await unpack.run(place, quiet).then(quiet, (e: unknown) => e)
    assert.match(String(error), /no zip archive, or is cut off/)
    assert.is(existsSync(place.wheel), false)
  })
})

test('a member that leads outside is refused', async () => {
  await inFolder(async (folder) => {
    const place = homeWith(folder, { ...FILES, 'tensorflow/include/../../../outside.h': 'x' })
    const error = await unpack.run(place, quiet).then(quiet, (e: unknown) => e)
    assert.match(String(error), /leads outside/)
    assert.is(existsSync(join(folder, 'outside.h')), false)
  })
})

test('an archive is read as it was written, stored and deflated', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'a.zip')
    writeFileSync(path, zip({ a: 'one', b: 'two', c: '' }))
    const archive = await Archive.open(path)
    assert.equal([...archive.members.keys()], ['a', 'b', 'c'])
    assert.equal([await archive.text('a'), await archive.text('b'), await archive.text('c')], ['one', 'two', ''])
    await archive.close()
  })
})

test("a record's hashes, with quoted names and carriage returns", () => {
  const hashes = hashesOf('a/b.h,sha256=Ab_-9,3\r\n"c,d.h",sha256=Zz,4\nRECORD,,\n')
  assert.equal([...hashes], [['a/b.h', 'Ab_-9']])
  assert.is(isNeeded('tensorflow/include/'), false)
})

test.run()
