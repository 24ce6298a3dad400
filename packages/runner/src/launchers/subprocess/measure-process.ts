import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResourceUse } from '../launcher.ts'
import { isOurProcess, readPid } from './attempt-folder.ts'
import { readDevices } from './devices.ts'
import { readGpuUse } from './gpu-use.ts'
import type { AttemptFiles } from './spec.ts'

/** Ticks of `/proc` in a second, on every architecture that Node supports. */
const TICKS = 100
const PAGE_BYTES = 4096
/** All attempts of a pass read the processes once. */
const KEPT_MS = 1000

/** What the processes of an attempt use. Undefined where it cannot be measured. */
export async function measureProcess(files: AttemptFiles): Promise<ResourceUse | undefined> {
  if (process.platform !== 'linux') return undefined
  const ofGroup = await measureGroup(files.cgroup)
  const pid = await readPid(files.shimPid)
  const isAlive = pid !== undefined && (await isOurProcess(files, pid))
  const ofTree = isAlive ? measureTree(await readProcesses(), pid) : undefined
  const cpuSeconds = ofGroup.cpuSeconds ?? ofTree?.cpuSeconds
  const memoryBytes = ofGroup.memoryBytes ?? ofTree?.memoryBytes
  if (cpuSeconds === undefined && memoryBytes === undefined) return undefined
  const assigned = await readDevices(files)
  const gpus = isAlive && assigned.length > 0 ? await readGpuUse(assigned) : undefined
  return { cpuSeconds, memoryBytes, ...gpus }
}

/** From the control group, which also knows processes that have ended. */
async function measureGroup(dir: string): Promise<Pick<ResourceUse, 'cpuSeconds' | 'memoryBytes'>> {
  const read = (file: string) => readFile(join(dir, file), 'utf8').catch(() => '')
  const [cpu, current, legacy, stat] = await Promise.all(
    ['cpu.stat', 'memory.current', 'memory.usage_in_bytes', 'memory.stat'].map(read),
  )
  const micros = /^usage_usec (\d+)$/m.exec(cpu ?? '')?.[1]
  const used = (current || legacy || '').trim()
  // Files that were read and can be dropped at any time are no memory of the trainer.
  const cache = /^(?:total_)?inactive_file (\d+)$/m.exec(stat ?? '')?.[1] ?? '0'
  return {
    cpuSeconds: micros === undefined ? undefined : Number(micros) / 1e6,
    memoryBytes: /^\d+$/.test(used) ? Math.max(0, Number(used) - Number(cache)) : undefined,
  }
}

export interface ProcessUse {
  parent: number
  cpuSeconds: number
  memoryBytes: number
}

let kept: { at: number; processes: Promise<Map<number, ProcessUse>> } | undefined

async function readProcesses(): Promise<Map<number, ProcessUse>> {
  if (kept === undefined || performance.now() - kept.at > KEPT_MS)
    kept = { at: performance.now(), processes: readAllProcesses() }
  return await kept.processes
}

async function readAllProcesses(): Promise<Map<number, ProcessUse>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const processes = new Map<number, ProcessUse>()
  for (const pid of pids) {
    const use = parseStat(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))
    if (use !== undefined) processes.set(Number(pid), use)
  }
  return processes
}

/** `/proc/{pid}/stat`. The name in parentheses is chosen by the process: fields are counted after its last parenthesis. */
export function parseStat(stat: string): ProcessUse | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const number = (index: number) => Number(fields[index - 3])
  // Fields 14 to 17: its own time in user and system mode, and that of its children that have ended.
  const ticks = number(14) + number(15) + number(16) + number(17)
  const use = { parent: number(4), cpuSeconds: ticks / TICKS, memoryBytes: number(24) * PAGE_BYTES }
  return Object.values(use).every(Number.isFinite) ? use : undefined
}

/** The sum over a process and everything that it started. */
export function measureTree(
  processes: ReadonlyMap<number, ProcessUse>,
  root: number,
): Pick<ResourceUse, 'cpuSeconds' | 'memoryBytes'> | undefined {
  if (!processes.has(root)) return undefined
  const children = Map.groupBy(processes.keys(), (pid) => processes.get(pid)?.parent ?? 0)
  let cpuSeconds = 0
  let memoryBytes = 0
  const seen = new Set<number>()
  const waiting = [root]
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const use = processes.get(pid)
    // Processes change while they are read: no circle may hold this up.
    if (use === undefined || seen.has(pid)) continue
    seen.add(pid)
    cpuSeconds += use.cpuSeconds
    memoryBytes += use.memoryBytes
    waiting.push(...(children.get(pid) ?? []))
  }
  return { cpuSeconds, memoryBytes }
}
