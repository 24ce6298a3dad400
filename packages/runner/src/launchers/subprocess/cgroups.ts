import { existsSync } from 'node:fs'
import { mkdir, readFile, readlink, rmdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LaunchRequest } from '../launcher.ts'

/** A control group under which every attempt that has a memory limit gets one of its own. */
export interface CgroupParent {
  version: 1 | 2
  dir: string
  /** Of the old interface, which counts processes in groups of their own. */
  pidsDir?: string
}

/** Against fork bombs: far above what data loaders start. */
const MAX_PROCESSES = 8192

/** The files of a group that limit it: pure, for both versions of the kernel's interface. */
export function cgroupFiles(
  version: 1 | 2,
  memoryMb: number | undefined,
  maxProcesses: number = MAX_PROCESSES,
): [file: string, text: string][] {
  const processes: [string, string][] = version === 2 ? [['pids.max', String(maxProcesses)]] : []
  if (memoryMb === undefined) return processes
  const bytes = String(memoryMb * 1024 ** 2)
  return version === 2
    ? [
        ['memory.max', bytes],
        // Or it would only become slow.
        ['memory.swap.max', '0'],
        ...processes,
      ]
    : [
        ['memory.limit_in_bytes', bytes],
        // Memory and swap together; where swap is not counted there is no such file.
        ['memory.memsw.limit_in_bytes', bytes],
      ]
}

/**
 * A place where this user may make groups that limit memory: the runner's own group or the one above it (a service of
 * systemd with `Delegate=yes`, a container), else the old interface's. Undefined where there is none.
 */
export async function findCgroupParent(name: string, root = '/sys/fs/cgroup'): Promise<CgroupParent | undefined> {
  const own = await readFile('/proc/self/cgroup', 'utf8').catch(() => '')
  const paths = new Map(own.split('\n').map((line) => [line.split(':')[1] ?? '', line.split(':').slice(2).join(':')]))
  const unified = paths.get('')
  if (unified !== undefined)
    for (const path of [unified, join(unified, '..')]) {
      const dir = join(root, path)
      if (!existsSync(join(dir, 'cgroup.controllers'))) continue
      await writeFile(join(dir, 'cgroup.subtree_control'), '+memory +pids').catch(() => {})
      const parent = join(dir, name)
      if (await canLimit(parent, 'memory.max')) {
        await writeFile(join(parent, 'cgroup.subtree_control'), '+memory +pids').catch(() => {})
        if (await canLimit(join(parent, 'probe'), 'memory.max', true)) return { version: 2, dir: parent }
      }
    }
  const memory = paths.get('memory')
  if (memory === undefined) return undefined
  const parent = join(root, 'memory', memory, name)
  if (!(await canLimit(parent, 'memory.limit_in_bytes'))) return undefined
  const pidsDir = join(root, 'pids', paths.get('pids') ?? '', name)
  const countsProcesses = paths.has('pids') && (await canLimit(pidsDir, 'pids.max'))
  return { version: 1, dir: parent, ...(countsProcesses ? { pidsDir } : {}) }
}

/** Removes what {@link findCgroupParent} made, once no attempt is left in it. */
export async function removeCgroupParent({ dir, pidsDir }: CgroupParent): Promise<void> {
  for (const one of [dir, pidsDir]) if (one !== undefined) await rmdir(one).catch(() => {})
}

async function canLimit(dir: string, file: string, temporary = false): Promise<boolean> {
  let can = false
  try {
    await mkdir(dir, { recursive: true })
    can = existsSync(join(dir, file))
  } catch {
    // Not ours to divide.
  }
  if (temporary || !can) await rmdir(dir).catch(() => {})
  return can
}

/** Makes the groups of an attempt; the shim joins them through the links. */
export async function createCgroup(
  parent: CgroupParent | undefined,
  attempt: string,
  resources: LaunchRequest['resources'],
  links: { cgroup: string; pidsCgroup: string },
  maxProcesses: number = MAX_PROCESSES,
): Promise<void> {
  if (parent === undefined) return
  const dir = join(parent.dir, attempt)
  await mkdir(dir, { recursive: true })
  const [limit, ...others] = cgroupFiles(parent.version, resources.memoryMb, maxProcesses)
  if (limit !== undefined) await writeFile(join(dir, limit[0]), limit[1])
  for (const [file, text] of others) await writeFile(join(dir, file), text).catch(() => {})
  await link(dir, links.cgroup)
  if (parent.pidsDir === undefined) return
  const pids = join(parent.pidsDir, attempt)
  await mkdir(pids, { recursive: true })
  await writeFile(join(pids, 'pids.max'), String(maxProcesses))
  await link(pids, links.pidsCgroup)
}

async function link(dir: string, path: string): Promise<void> {
  await symlink(dir, path).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  })
}

/** Whether the kernel killed something of the group because it used too much memory. */
export async function wasOutOfMemory(group: string): Promise<boolean> {
  for (const file of ['memory.events', 'memory.oom_control']) {
    const text = await readFile(join(group, file), 'utf8').catch(() => '')
    const kills = /^oom_kill (\d+)$/m.exec(text)?.[1]
    if (kills !== undefined) return Number(kills) > 0
  }
  return false
}

/** Kills what is left in a group, also what left the trainer's process group, and removes it. */
export async function removeCgroup(link: string): Promise<void> {
  const group = await readlink(link).catch(() => undefined)
  if (group === undefined) return
  for (let tries = 0; tries < 100; tries++) {
    try {
      await rmdir(group)
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EBUSY')) return
    }
    for (const pid of (await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '')).split('\n')) {
      if (Number(pid) > 1) kill(Number(pid))
    }
    await sleep(20)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was faster.
  }
}
