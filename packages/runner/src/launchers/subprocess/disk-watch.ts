import { lstat, opendir, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readPid } from './attempt-folder.ts'
import { findTrainer } from './find-trainer.ts'
import type { AttemptFiles } from './spec.ts'

const MIN_PAUSE_MS = 1000
/** The pause grows with the time that a measurement takes. */
const PAUSE_FACTOR = 10

export interface DiskUse {
  usedBytes: number
  limitBytes: number
}

export interface DiskWatch {
  /** What an attempt uses, if that was above its limit at the last measurement. Starts another in the background when one is due. */
  findExcess(files: AttemptFiles): DiskUse | undefined
  forget(files: AttemptFiles): void
}

interface Watched {
  excess?: DiskUse | undefined
  isMeasuring: boolean
  dueAt: number
}

/** Watches the sizes of work folders, because file systems have quotas for users and not for folders. */
export function createDiskWatch(extraDirs: readonly string[] = []): DiskWatch {
  const watched = new Map<string, Watched>()
  const measure = async (files: AttemptFiles, entry: Watched) => {
    const begunAt = performance.now()
    try {
      const limitBytes = Number(await readFile(files.diskLimit, 'utf8'))
      if (!(limitBytes > 0)) return
      const seen = new Set<string>()
      let usedBytes = await deletedBytes(files, seen)
      for (const dir of [files.workDir, ...extraDirs]) usedBytes += await folderBytes(dir, seen)
      entry.excess = usedBytes > limitBytes ? { usedBytes, limitBytes } : undefined
    } catch {
      // The attempt has no limit, or its folder was removed.
    } finally {
      const endedAt = performance.now()
      entry.dueAt = endedAt + Math.max(MIN_PAUSE_MS, (endedAt - begunAt) * PAUSE_FACTOR)
      entry.isMeasuring = false
    }
  }
  return {
    findExcess(files) {
      const entry = watched.get(files.dir) ?? { isMeasuring: false, dueAt: 0 }
      watched.set(files.dir, entry)
      if (!entry.isMeasuring && performance.now() >= entry.dueAt) {
        entry.isMeasuring = true
        void measure(files, entry)
      }
      return entry.excess
    },
    forget: (files) => void watched.delete(files.dir),
  }
}

/** The space that a folder uses. Links are not followed. */
async function folderBytes(dir: string, seen: Set<string>): Promise<number> {
  let bytes = 0
  const folder = await opendir(dir).catch(() => undefined)
  if (folder === undefined) return 0
  for await (const entry of folder) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) bytes += await folderBytes(path, seen)
    const info = await lstat(path).catch(() => undefined)
    if (info !== undefined) bytes += newBytes(info, seen)
  }
  return bytes
}

/** The space of files that processes of the sandbox hold open after they deleted them. */
async function deletedBytes(files: AttemptFiles, seen: Set<string>): Promise<number> {
  const started = await readPid(files.trainerPid)
  const trainer = started === undefined ? undefined : await findTrainer(started)
  const namespace = trainer === undefined ? undefined : await linkOf(`/proc/${trainer}/ns/mnt`)
  if (namespace === undefined || namespace === (await linkOf('/proc/self/ns/mnt'))) return 0
  let bytes = 0
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid) || (await linkOf(`/proc/${pid}/ns/mnt`)) !== namespace) continue
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const file = `/proc/${pid}/fd/${fd}`
      if (!(await linkOf(file))?.endsWith(' (deleted)')) continue
      const info = await stat(file).catch(() => undefined)
      if (info?.isFile() === true) bytes += newBytes(info, seen)
    }
  }
  return bytes
}

/** The space of a file that was not counted yet. A file can have several names. */
function newBytes({ dev, ino, blocks }: { dev: number; ino: number; blocks: number }, seen: Set<string>): number {
  const key = `${dev}:${ino}`
  if (seen.has(key)) return 0
  seen.add(key)
  return blocks * 512
}

async function linkOf(path: string): Promise<string | undefined> {
  return await readlink(path).catch(() => undefined)
}
