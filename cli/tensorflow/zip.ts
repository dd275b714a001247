import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'

const CHUNK = 1 << 20

/** A member of an archive, as its directory lists it. */
export interface Member {
  readonly name: string
  readonly size: number
  readonly packedSize: number
  /** 0 stored, 8 deflated. */
  readonly method: number
  readonly offset: number
}

const END = 0x06054b50
const MEMBER = 0x02014b50
const LOCAL = 0x04034b50
/** The end record and the longest comment. */
const LONGEST_END = 22 + 0xffff

/**
 * A zip archive such as a wheel, read from its directory (PKWARE APPNOTE 4.3; no Zip64, which a wheel below 4 GiB does without).
 * Throws where the file is none, or is cut off.
 */
export class Archive {
  readonly #file: FileHandle
  readonly members: ReadonlyMap<string, Member>

  private constructor(file: FileHandle, members: ReadonlyMap<string, Member>) {
    this.#file = file
    this.members = members
  }

  static async open(path: string): Promise<Archive> {
    const file = await open(path)
    try {
      return new Archive(file, await directoryOf(file, (await file.stat()).size))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Hands a member's bytes on as they are unpacked. Throws where they are not as many as the directory says. */
  async read(
    { name, size, packedSize, method, offset }: Member,
    take: (chunk: Buffer) => Promise<void>,
  ): Promise<void> {
    const header = await this.#at(offset, 30)
    if (header.readUInt32LE(0) !== LOCAL) throw new Error(`${name} is not where the archive's directory says`)
    const start = offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
    let count = 0
    const taken = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) {
        count += chunk.length
        await take(chunk)
      }
    }
    const packed = this.#chunks(start, packedSize)
    await (method === 8 ? pipeline(packed, createInflateRaw(), taken) : pipeline(packed, taken))
    if (count !== size) throw new Error(`${name} has ${count} bytes, not ${size}`)
  }

  /** A member as text. Throws where there is none. */
  async text(name: string): Promise<string> {
    const member = this.members.get(name)
    if (!member) throw new Error(`the archive has no ${name}`)
    const chunks: Buffer[] = []
    await this.read(member, async (chunk) => void chunks.push(chunk))
    return Buffer.concat(chunks).toString('utf8')
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #at(position: number, length: number): Promise<Buffer> {
    return readAt(this.#file, position, length)
  }

  async *#chunks(start: number, length: number): AsyncGenerator<Buffer> {
    for (let at = 0; at < length; at += CHUNK) yield await this.#at(start + at, Math.min(CHUNK, length - at))
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  if (bytesRead !== length) throw new Error('the archive is cut off')
  return buffer
}

async function directoryOf(file: FileHandle, size: number): Promise<Map<string, Member>> {
  const length = Math.min(size, LONGEST_END)
  const tail = await readAt(file, size - length, length)
  let end = tail.length - 22
  while (end >= 0 && tail.readUInt32LE(end) !== END) end--
  if (end < 0) throw new Error('it is no zip archive, or is cut off')
  const [count, bytes, start] = [tail.readUInt16LE(end + 10), tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)]
  if (start === 0xffffffff || count === 0xffff) throw new Error('it is a Zip64 archive, which is not read here')
  const directory = await readAt(file, start, bytes)
  const members = new Map<string, Member>()
  for (let at = 0, i = 0; i < count; i++) {
    if (directory.readUInt32LE(at) !== MEMBER) throw new Error("the archive's directory is damaged")
    const nameLength = directory.readUInt16LE(at + 28)
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength)
    members.set(name, {
      name,
      method: directory.readUInt16LE(at + 10),
      packedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    })
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return members
}
