/**
 * Other users, while hostile bodies of every kind arrive at every kind of route: how long `/healthz` and a page of a signed-in
 * person take, beside the same without hostile bodies, and what memory the server needs for them.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@trainyard/platform'
import { ROOT, run } from '../scripts/lib/run.ts'
import type { HostileResult, HostileWork, Target } from './lib/hostile-sender.ts'
import type { Bench, BenchRow } from './lib/report.ts'

const PAUSE_MS = 10

interface Started {
  url: string
  cookie: string
  targets: Target[]
}

interface Probe {
  path: string
  cookie: string
}

export const bench: Bench = async ({ small }) => {
  const { code, output } = await run(process.execPath, ['--conditions=trainyard-source', 'packages/web/build.ts'], {
    cwd: ROOT,
    capture: true,
  })
  if (code !== 0) throw new Error(`cannot build the pages:\n${output}`)
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-bench-hostile-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  const server = forkProgram('hostile-server.ts', { TEST_DATABASE_URL: postgres.url, TEST_LOG_LEVEL: 'info' })
  const senders: ChildProcess[] = []
  try {
    const [{ url, cookie, targets }] = (await messageOf(server)) as [Started]
    const probes = [
      { path: '/healthz', cookie: '' },
      { path: '/jobs', cookie },
    ]
    const work: HostileWork = {
      url,
      targets,
      count: small ? 60 : Number(process.env.TRAINYARD_BENCH_BODIES ?? 1000),
      bytes: small ? 100_000 : 10_000_000,
      connections: 20,
    }
    // What is compiled and filled at first use, by readers and by hostile bodies, is neither what others wait for nor growth.
    const warmUp = await startSender({ ...work, count: small ? 20 : 300 }, senders)
    await probeUntil(url, probes, Promise.all([warmUp.done(), sleep(small ? 200 : 5000)]))
    const quiet = await observe(server, (until) => probeUntil(url, probes, until), sleep(small ? 300 : 8000))
    const attack = await startSender(work, senders)
    const startedMs = performance.now()
    const done = attack.done()
    const loaded = await observe(server, (until) => probeUntil(url, probes, until), done)
    const seconds = (performance.now() - startedMs) / 1000
    const { statuses } = await done
    const failures = Object.entries(statuses).reduce(
      (sum, [status, count]) => sum + (Number(status) >= 500 ? count : 0),
      0,
    )
    console.log(`answers by status: ${JSON.stringify(statuses)}`)
    return [
      ...rowsOf('/healthz', loaded.times.get('/healthz'), quiet.times.get('/healthz')),
      ...rowsOf('a page of a signed-in person', loaded.times.get('/jobs'), quiet.times.get('/jobs')),
      ...rowsOf('a turn of the event loop, processor time', loaded.turns, quiet.turns),
      {
        what: 'growth of memory, at its peak',
        ours: loaded.grownMegabytes,
        unit: 'MB',
        peer: { name: 'quiet', value: quiet.grownMegabytes },
        goal: '≤ 50 MB',
      },
      {
        what: 'growth of memory that stays',
        ours: loaded.keptMegabytes,
        unit: 'MB',
        peer: { name: 'quiet', value: quiet.keptMegabytes },
        goal: '≤ 50 MB',
      },
      { what: 'failed answers to others', ours: loaded.failures.length, unit: '', goal: '0' },
      { what: 'answers with 5xx', ours: failures, unit: '', goal: '0' },
      { what: 'hostile bodies a second', ours: work.count / seconds, unit: '/s', goal: 'for the record' },
      { what: 'load of the machine at the end', ours: loadavg()[0] ?? 0, unit: '', goal: 'for the record' },
    ]
  } finally {
    for (const sender of senders) sender.kill()
    if (server.connected) server.disconnect()
    if (server.exitCode === null) await once(server, 'exit')
    await postgres.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Prepares its bodies; `done` sends them. */
async function startSender(work: HostileWork, senders: ChildProcess[]): Promise<{ done(): Promise<HostileResult> }> {
  const sender = forkProgram('hostile-sender.ts', {})
  senders.push(sender)
  await Promise.all([messageOf(sender), sender.send(work)])
  return {
    async done() {
      const [[result]] = await Promise.all([messageOf(sender), sender.send('go')])
      return result as HostileResult
    },
  }
}

interface Probed {
  /** By path, in milliseconds. */
  times: Map<string, number[]>
  /** The path of each answer that was not 200. */
  failures: string[]
}

interface Observed extends Probed {
  turns: number[]
  /** At the peak, over the memory after a collection. */
  grownMegabytes: number
  /** After another collection. */
  keptMegabytes: number
}

/** What others saw and what the server did until `until` resolves. */
async function observe(
  server: ChildProcess,
  probe: (until: Promise<unknown>) => Promise<Probed>,
  until: Promise<unknown>,
): Promise<Observed> {
  const pid = server.pid ?? 0
  await collectGarbage(server)
  await turnsOf(server)
  const before = residentMegabytes(pid)
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMegabytes(pid))
  }, 20)
  const probed = await probe(until)
  clearInterval(watch)
  const turns = await turnsOf(server)
  await collectGarbage(server)
  const keptMegabytes = residentMegabytes(pid) - before
  return { times: probed.times, failures: probed.failures, turns, grownMegabytes: peak - before, keptMegabytes }
}

/** Memory before it depends on when V8 last collected. */
async function collectGarbage(server: ChildProcess): Promise<void> {
  await Promise.all([messageOf(server), server.send('collect')])
}

/** Processor time of each turn of the server's event loop since the last call, in milliseconds. */
async function turnsOf(server: ChildProcess): Promise<number[]> {
  const [turns] = await Promise.all([messageOf(server), server.send('turns')])
  return turns[0] as number[]
}

function rowsOf(what: string, loaded: readonly number[] = [], quiet: readonly number[] = []): BenchRow[] {
  const row = (name: string, share: number, goal: string): BenchRow => ({
    what: `${what}: ${name}`,
    ours: at(loaded, share),
    unit: 'ms',
    peer: { name: 'quiet', value: at(quiet, share) },
    goal,
  })
  return [row('p50', 0.5, 'for the record'), row('p99', 0.99, '≤ 100 ms'), row('longest', 1, 'for the record')]
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function forkProgram(name: string, env: Record<string, string>): ChildProcess {
  return fork(join(import.meta.dirname, 'lib', name), {
    execArgv: ['--conditions=trainyard-source', '--expose-gc'],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

async function messageOf(child: ChildProcess): Promise<unknown[]> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('a process of the bench ended early')))
  ended.catch(() => {})
  return await Promise.race([once(child, 'message'), ended])
}

/** Asks for each path again and again, on a connection of its own, until `until` resolves. A failure is counted. */
async function probeUntil(url: string, probes: readonly Probe[], until: Promise<unknown>): Promise<Probed> {
  const failures: string[] = []
  let isOver = false
  const ending = until.finally(() => {
    isOver = true
  })
  const all = probes.map(async ({ path, cookie }): Promise<[string, number[]]> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const times: number[] = []
    while (!isOver) {
      const startedMs = performance.now()
      if ((await fetchStatus(`${url}${path}`, cookie, agent)) !== 200) failures.push(path)
      times.push(performance.now() - startedMs)
      await sleep(PAUSE_MS)
    }
    agent.destroy()
    return [path, times]
  })
  const results = await Promise.all(all)
  await ending
  return { times: new Map(results), failures }
}

function fetchStatus(url: string, cookie: string, agent: Agent): Promise<number> {
  return new Promise((resolve) => {
    get(url, { agent, headers: cookie === '' ? {} : { cookie, accept: 'text/html' } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    }).on('error', () => resolve(0))
  })
}

/** Memory of a process, as Linux counts it. */
function residentMegabytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}
