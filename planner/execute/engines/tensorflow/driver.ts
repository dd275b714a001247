import { execFileSync } from 'node:child_process'

const LIMIT_MS = 5000
const MIB = 2 ** 20

/**
 * Bytes that NVIDIA's driver shows for this process: its context, its libraries and all that its allocator has reserved, rounded to
 * mebibytes. Null where the driver does not answer, or does not list the process, as in a container with numbers of its own.
 */
export function driverBytes(pid = process.pid): number | null {
  const rows = ask(['--query-compute-apps=pid,used_memory', '--format=csv,noheader,nounits'])
  return rows === null ? null : bytesOf(rows, pid)
}

/** `pid, MiB` lines. */
export function bytesOf(rows: string, pid: number): number | null {
  const own = rows.split('\n').find((row) => row.split(',')[0]?.trim() === String(pid))
  const used = Number(own?.split(',')[1])
  return Number.isFinite(used) ? used * MIB : null
}

/** Free bytes of the first GPU; null where the driver does not answer. */
export function freeDeviceBytes(): number | null {
  const free = Number(ask(['--query-gpu=memory.free', '--format=csv,noheader,nounits'])?.split('\n')[0] || Number.NaN)
  return Number.isFinite(free) ? free * MIB : null
}

function ask(args: readonly string[]): string | null {
  try {
    return execFileSync('nvidia-smi', [...args], {
      encoding: 'utf8',
      timeout: LIMIT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return null
  }
}
