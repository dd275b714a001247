import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RunError } from '../errors.ts'
import { wheelIn } from './fetch.ts'
import { FARMHASH, hasTensorflow, LIBRARIES } from './place.ts'
import { orRemoved, type Step } from './step.ts'
import { Archive, type Member } from './zip.ts'

const HEADERS = 'tensorflow/include/'
/** Sources of other projects, which the binding does not see, but for one. */
const NOT_SEEN = 'tensorflow/include/external/'

/** Of a wheel's members the two libraries and the headers. */
export const isNeeded = (name: string): boolean =>
  LIBRARIES.some((file) => name === `tensorflow/${file}`) ||
  (name.startsWith(HEADERS) && !isForeign(name) && !/\.(so|py|pyi)$|\/$/.test(name))

const isForeign = (name: string): boolean => name.startsWith(NOT_SEEN) && !name.startsWith(`tensorflow/${FARMHASH}/`)

/** Hashes of a wheel's RECORD by path: `path,sha256=…,size` lines (PEP 376), urlsafe base64 without padding. */
export function hashesOf(record: string): Map<string, string> {
  const found = record.matchAll(/^"?([^",\n]+)"?,sha256=([\w-]+),\d+\r?$/gm)
  return new Map([...found].map((m) => [m[1]!, m[2]!]))
}

/** Unpacks what is needed of the wheel, checks each file against the wheel's record, and lets the wheel go. */
export const unpack: Step = {
  title: 'unpacking libraries and headers',
  fetches: true,
  done: hasTensorflow,
  async run(place, say) {
    const wheel = wheelIn(place)
    if (wheel === null) throw new RunError('there is no wheel to unpack', 'Type the command again: it fetches one.')
    const partial = `${place.site}.partial`
    await orRemoved(partial, async () => {
      const { files, bytes } = await unpackInto(partial, wheel)
      renameSync(partial, place.site)
      say(`${files} files, ${Math.round(bytes / 1e6)} MB, as the wheel's record says`)
    })
    rmSync(place.wheel, { recursive: true, force: true })
  },
}

/** @throws RunError where the wheel is damaged; it is then removed, so that the next try fetches another */
async function unpackInto(folder: string, wheel: string): Promise<{ files: number; bytes: number }> {
  try {
    const archive = await Archive.open(wheel)
    try {
      const record = [...archive.members.keys()].find((name) => /^[^/]+\.dist-info\/RECORD$/.test(name))
      const hashes = hashesOf(await archive.text(record ?? 'RECORD'))
      const needed = [...archive.members.values()].filter(({ name }) => isNeeded(name))
      let bytes = 0
      for (const member of needed) {
        await unpackOne(archive, member, folder, hashes)
        bytes += member.size
      }
      return { files: needed.length, bytes }
    } finally {
      await archive.close()
    }
  } catch (error) {
    rmSync(dirname(wheel), { recursive: true, force: true })
    const why = error instanceof Error ? error.message : String(error)
    throw new RunError(`the wheel could not be unpacked: ${why}`, 'It was removed; type the command again to fetch it.')
  }
}

async function unpackOne(archive: Archive, member: Member, folder: string, hashes: Map<string, string>): Promise<void> {
  const { name } = member
  if (name.split('/').includes('..')) throw new Error(`${name} leads outside`)
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  try {
    await archive.read(member, async (chunk) => {
      hash.update(chunk)
      await file.write(chunk)
    })
  } finally {
    await file.close()
  }
  if (hash.digest('base64url') !== hashes.get(name)) throw new Error(`${name} is not what the wheel's record says`)
}
