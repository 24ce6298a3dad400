import { readdirSync, readFileSync } from 'node:fs'
import { type FileHandle, open, readlink } from 'node:fs/promises'
import { uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptRef } from '@trainyard/runner'
import { countBusyThreads, type Thread } from './count-busy-threads.ts'
import { listForeignConnections } from './foreign-connections.ts'

/** What was seen of the processes of an attempt while it ran. */
export interface SeenProcesses {
  /** What was read each time, in order. */
  readonly moments: readonly Moment[]
  /** Names of processes that had detached from the trainer when it was seen last. */
  readonly detached: readonly string[]
  /** How often it tried to reach an address to which its network has no route. Undefined: it had no network of its own. */
  readonly unreachable: number | undefined
}

export interface Moment {
  /** In terms of `Date.now()`. */
  readonly at: number
  /** The number of running threads. */
  readonly busyThreads: number
  /** Whether a thread waited for a disk, or ran, where the kernel does not say how long threads waited for a processor. */
  readonly isActive: boolean
  /** Time of all processors until then, in milliseconds, as exact as the kernel's ticks of 10 ms. */
  readonly cpuMs: number
  /** For how long the threads that exist have waited for a processor until then. 0: the kernel does not say. */
  readonly waitedMs: number
}

export interface ProcessWatch {
  /** Reads until the attempt ends. */
  start(ref: AttemptRef): void
  /** What was seen until its end, or until now if it goes on for another two seconds. */
  seen(ref: AttemptRef): Promise<SeenProcesses>
}

/** Finds the processes of an attempt. */
export interface ProcessFinder {
  /** Waits for its first process. Undefined: none was started. */
  findRoot(ref: AttemptRef): Promise<number | undefined>
  /** Whether a file says that it has ended. Its processes are read as well. */
  hasEnded(ref: AttemptRef): Promise<boolean>
}

const EVERY_MS = 100
const MAX_WAIT_MS = 2000
/** The relay of the sandbox's network, in its arguments and in those of the shell that starts it. */
const RELAY = 'relay.cjs'
const NOTHING: SeenProcesses = { moments: [], detached: [], unreachable: undefined }
const TICK_MS = 10

interface Process {
  readonly pid: number
  readonly name: string
  readonly session: number
  /** Its id in its own namespace. */
  readonly innerPid: number
  readonly parent: number
  /** Of itself, and of its children that have ended. */
  readonly cpuMs: number
  readonly isRelay: boolean
}

/** Reads /proc while trainers run. Sees nothing on systems without it. */
export function createProcessWatch(
  finder: ProcessFinder,
  /** The only address that trainers may reach, where their network has a route to others that leads nowhere. */
  platform?: string | undefined,
): ProcessWatch {
  const all = new Map<string, SeenProcesses>()
  const watches = new Map<string, Promise<void>>()
  const key = ({ jobId, attempt }: AttemptRef) => `${jobId}-${attempt}`
  const watch = async (ref: AttemptRef) => {
    const name = key(ref)
    const root = await finder.findRoot(ref)
    if (root === undefined) return
    let trainer: number | undefined
    const foreign = new Set<string>()
    let network: NetworkCounters | undefined
    while (!(await finder.hasEnded(ref))) {
      const processes = listProcesses(root)
      if (processes.length === 0) return await finish(name, network, foreign)
      const before = all.get(name) ?? NOTHING
      const sampled = sample(processes, root, trainer)
      trainer ??= sampled?.pid
      if (platform !== undefined)
        for (const connection of await listForeignConnections(root, platform)) foreign.add(connection)
      network ??= sampled && (await openCounters(sampled.pid))
      // The trainer's processes can have ended while they were read.
      if (sampled !== undefined)
        all.set(name, {
          moments: [...before.moments, { at: Date.now(), ...sampled.moment }],
          detached: sampled.detached,
          unreachable: withForeign(await network?.read(), foreign) ?? before.unreachable,
        })
      await sleep(EVERY_MS)
    }
    await finish(name, network, foreign)
  }
  // What was sent last, too: the open files keep the network's counters after the end of its last process.
  const finish = async (name: string, network: NetworkCounters | undefined, foreign: ReadonlySet<string>) => {
    const known = all.get(name)
    const unreachable = withForeign(await network?.read(), foreign)
    if (known !== undefined) all.set(name, { ...known, unreachable: unreachable ?? known.unreachable })
    await network?.close()
  }
  return {
    start(ref) {
      watches.set(
        key(ref),
        watch(ref).catch(() => undefined),
      )
    },
    async seen(ref) {
      await Promise.race([watches.get(key(ref)), sleep(MAX_WAIT_MS, undefined, { ref: false })])
      return all.get(key(ref)) ?? NOTHING
    },
  }
}

function withForeign(counted: number | undefined, foreign: ReadonlySet<string>): number | undefined {
  return foreign.size === 0 ? counted : (counted ?? 0) + foreign.size
}

function sample(processes: readonly Process[], root: number, known: number | undefined) {
  const init = processes.find(({ innerPid, pid }) => innerPid === 1 && pid !== 1)
  const inner = processes.filter(({ pid, innerPid }) => innerPid > 1 && innerPid !== pid)
  const trainer = inner.toSorted((a, b) => a.innerPid - b.innerPid)[0]
  // The shell that becomes the trainer starts the relay and short helpers before: none of these is the trainer.
  if (init === undefined || trainer === undefined || trainer.isRelay) return undefined
  // After its end, another process can be the first one while the sandbox is ending them all.
  if (known !== undefined && trainer.pid !== known) return undefined
  const inside = inner.filter(({ isRelay }) => !isRelay)
  const session = processes.find(({ pid }) => pid === root)?.session
  const detached = inside.filter((one) => one !== trainer && (one.session !== session || one.parent === init.pid))
  const threads = inside.flatMap(({ pid }) => readThreads(pid))
  const waitedMs = threads.reduce((sum, { waitedMs }) => sum + waitedMs, 0)
  // Others end right after it. They were read before their end for certain only if it has not ended by now.
  if (readProcess(trainer.pid) === undefined) return undefined
  return {
    pid: trainer.pid,
    moment: {
      busyThreads: countBusyThreads(threads),
      isActive: threads.some(({ state }) => state === 'D' || (state === 'R' && waitedMs === 0)),
      waitedMs,
      cpuMs: inside.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    },
    detached: detached.map(({ name }) => name),
  }
}

function listProcesses(root: number): Process[] {
  const found: Process[] = []
  const visit = (pid: number): void => {
    const read = readProcess(pid)
    if (read === undefined) return
    found.push(read)
    for (const thread of listThreads(pid)) {
      const children = readText(`/proc/${pid}/task/${thread}/children`)
      for (const child of children.split(' ').filter((text) => text !== '')) visit(Number(child))
    }
  }
  visit(root)
  return found
}

function readProcess(pid: number): Process | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  const status = readText(`/proc/${pid}/status`)
  const line = readText(`/proc/${pid}/cmdline`)
  // Without arguments it is ending, also where its state was read a moment earlier.
  if (stat === '' || line === '') return undefined
  // The name in parentheses can contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent, , session] = fields
  if (state === 'Z') return undefined
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return {
    pid,
    name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    parent: Number(parent),
    session: Number(session),
    cpuMs: ticks * TICK_MS,
    innerPid: Number(/^NSpid:.*\s(\d+)$/m.exec(status)?.[1] ?? pid),
    isRelay: line.split('\0').some((argument) => argument.endsWith(RELAY)),
  }
}

function readThreads(pid: number): Thread[] {
  return listThreads(pid).map((thread) => {
    const stat = readText(`/proc/${pid}/task/${thread}/stat`)
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ageMs = uptime() * 1000 - Number(fields[19] ?? 0) * TICK_MS
    // On a processor, waiting for one (both in nanoseconds), and how often it got one.
    const [ran = '0', waited = '0'] = readText(`/proc/${pid}/task/${thread}/schedstat`).split(' ')
    return { state: fields[0] ?? '', ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6, ageMs }
  })
}

function listThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** The kernel's counters of one network. */
interface NetworkCounters {
  read(): Promise<number>
  close(): Promise<void>
}

/** The kernel counts packets and connections without a route for each network. Undefined: it has no network of its own. */
async function openCounters(pid: number): Promise<NetworkCounters | undefined> {
  const [own, its] = await Promise.all(['self', pid].map((of) => readlink(`/proc/${of}/ns/net`).catch(() => undefined)))
  if (its === undefined || own === its) return undefined
  const [v4, v6] = await Promise.all(
    ['snmp', 'snmp6'].map((file) => open(`/proc/${pid}/net/${file}`).catch(() => undefined)),
  )
  return {
    async read() {
      const [names = '', values = ''] = (await readAgain(v4)).split('\n').filter((row) => row.startsWith('Ip:'))
      const of4 = Number(values.split(' ')[names.split(' ').indexOf('OutNoRoutes')] ?? 0)
      const of6 = Number(/^Ip6OutNoRoutes\s+(\d+)/m.exec(await readAgain(v6))?.[1] ?? 0)
      return of4 + of6
    },
    async close() {
      await v4?.close()
      await v6?.close()
    },
  }
}

/** From the start: the kernel writes its text again. */
async function readAgain(handle: FileHandle | undefined): Promise<string> {
  const buffer = Buffer.alloc(16_384)
  const { bytesRead = 0 } = (await handle?.read(buffer, 0, buffer.length, 0).catch(() => undefined)) ?? {}
  return buffer.toString('utf8', 0, bytesRead)
}

/** Empty: it does not exist, or not any more. The kernel answers at once, faster than another thread could be asked to read. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
