import { existsSync } from 'node:fs'
import { mkdir, readFile, readlink, rmdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cgroupFiles } from './cgroup-files.ts'
import type { AttemptLimits } from './limits.ts'

/** A control group in which each attempt with a limit gets a group of its own. */
export interface CgroupParent {
  version: 1 | 2
  dir: string
  /** With version 1, which counts processes in separate groups. */
  pidsDir?: string | undefined
}

/**
 * Finds a group in which this user can create groups that limit memory. With version 2, the runner's own group or its parent
 * (a systemd service with `Delegate=yes`, a container), otherwise version 1. Undefined: there is no such group.
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
  return { version: 1, dir: parent, pidsDir: countsProcesses ? pidsDir : undefined }
}

/** Removes the group that {@link findCgroupParent} created, if no attempt is left in it. */
export async function removeCgroupParent({ dir, pidsDir }: CgroupParent): Promise<void> {
  for (const group of [dir, pidsDir]) if (group !== undefined) await rmdir(group).catch(() => {})
}

async function canLimit(dir: string, file: string, temporary = false): Promise<boolean> {
  let can = false
  try {
    await mkdir(dir, { recursive: true })
    can = existsSync(join(dir, file))
  } catch {
    // This user must not create groups here.
  }
  if (temporary || !can) await rmdir(dir).catch(() => {})
  return can
}

/** Creates the groups of an attempt and the links through which the shim joins them. */
export async function createCgroup(
  parent: CgroupParent | undefined,
  attempt: string,
  { memoryMb, processes }: AttemptLimits,
  links: { cgroup: string; pidsCgroup: string },
): Promise<void> {
  if (parent === undefined) return
  const dir = join(parent.dir, attempt)
  await mkdir(dir, { recursive: true })
  const [limit, ...others] = cgroupFiles(parent.version, memoryMb, processes)
  if (limit !== undefined) await writeFile(join(dir, limit[0]), limit[1])
  for (const [file, text] of others) await writeFile(join(dir, file), text).catch(() => {})
  await link(dir, links.cgroup)
  if (parent.pidsDir === undefined) return
  const pids = join(parent.pidsDir, attempt)
  await mkdir(pids, { recursive: true })
  await writeFile(join(pids, 'pids.max'), String(processes))
  await link(pids, links.pidsCgroup)
}

async function link(dir: string, path: string): Promise<void> {
  await symlink(dir, path).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  })
}

/** Whether the kernel killed a process of the group because of its memory limit. */
export async function wasOutOfMemory(group: string): Promise<boolean> {
  for (const file of ['memory.events', 'memory.oom_control']) {
    const text = await readFile(join(group, file), 'utf8').catch(() => '')
    const kills = /^oom_kill (\d+)$/m.exec(text)?.[1]
    if (kills !== undefined) return Number(kills) > 0
  }
  return false
}

/** Kills the processes that are left in a group, including those that left the trainer's process group, and removes it. */
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
    // It has ended in the meantime.
  }
}
