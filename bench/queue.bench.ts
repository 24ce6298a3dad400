/**
 * What it costs to look after many jobs: 10,000 queued (9,000 of them one project's) and 1,000 live. The launcher is a fake
 * in this process, whose trainers are always running: what is measured is the runner and its database, not processes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@trainyard/platform'
import type { Launcher } from '../packages/runner/src/launchers/launcher.ts'
import { claimQueued } from '../packages/runner/src/supervisor/claim-queued.ts'
import {
  analyzeTables,
  explainClaim,
  markRunning,
  queueJobs,
  releaseClaims,
} from '../packages/runner/src/supervisor/testing/queue-jobs.ts'
import { type Harness, noLauncher, startHarness } from '../packages/runner/src/testing/harness.ts'
import { type Bench, type BenchRow, median } from './lib/report.ts'

const HOST = 'bench'

export const bench: Bench = async ({ small }) => {
  const queued = small ? 300 : 10_000
  const live = small ? 30 : 1000
  const dir = mkdtempSync(join(tmpdir(), 'trainyard-bench-queue-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  process.env.TEST_DATABASE_URL = postgres.url
  let looks = 0
  const launcher: Launcher = {
    ...noLauncher,
    host: HOST,
    observe: async () => {
      looks++
      return { state: 'running' }
    },
    async *list() {},
  }
  const config = {
    maxConcurrentJobs: live,
    heartbeatTimeoutSeconds: 3600,
    startTimeoutSeconds: 3600,
    heartbeatSeconds: 60,
  }
  const harness = await startHarness({
    runner: { launcher },
    config: { ...config, limits: { reconcileIntervalMs: 1 } },
  })
  try {
    const { context } = harness.runner
    const owners = Array.from({ length: queued }, (_, index) => ({
      owner: index % 10 === 0 ? `project-${index % 1000}` : 'big',
    }))
    await queueJobs(context, owners)
    const running = await queueJobs(
      context,
      Array.from({ length: live }, (_, index) => ({ owner: `project-${index % 50}` })),
    )
    await markRunning(context, running, HOST)
    await analyzeTables(context)
    for (const line of await explainClaim(context, options(8)))
      if (/(Seq Scan|Index|Limit|Time|Buffers)/.test(line)) console.log(line)
    return [
      ...(await claims(harness, small)),
      ...(await pages(harness, small)),
      ...(await ticks(harness, () => looks, { live, seconds: small ? 1 : 15 })),
    ]
  } finally {
    await harness.close()
    await postgres.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

const options = (slots: number) => ({
  leaseOwner: 'bench',
  leaseExpiresAt: new Date(Date.now() + 3_600_000),
  dead: [],
  slots,
})

async function claims({ runner: { context } }: Harness, small: boolean): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const slots of [1, 16]) {
    const times: number[] = []
    for (let round = 0; round < (small ? 5 : 60); round++) {
      const startedAt = performance.now()
      const claimed = await claimQueued(context, options(slots))
      times.push(performance.now() - startedAt)
      if (claimed.length !== slots) throw new Error(`expected ${slots} claimed jobs, got ${claimed.length}`)
    }
    await releaseClaims(context, 'bench')
    rows.push({
      what: `claim ${slots} of the queued, p50`,
      ours: median(times),
      unit: 'ms',
      goal: '≤ 20 ms on an idle machine',
    })
    rows.push({ what: `claim ${slots} of the queued, p99`, ours: highest(times), unit: 'ms', goal: '' })
  }
  return rows
}

async function pages(harness: Harness, small: boolean): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const query of ['limit=50', 'limit=50&state=running', 'limit=200&state=queued&cursor=5000']) {
    const times: number[] = []
    for (let round = 0; round < (small ? 3 : 40); round++) {
      const startedAt = performance.now()
      const response = await harness.request(`/v1/jobs?${query}`)
      const body = await response.text()
      times.push(performance.now() - startedAt)
      if (!response.ok) throw new Error(body)
    }
    rows.push({ what: `list page, ${query}, p50`, ours: median(times), unit: 'ms', goal: '≤ 50 ms' })
  }
  return rows
}

/** The loop runs without a pause: measures the time and CPU of one pass over all jobs. */
async function ticks(
  harness: Harness,
  looks: () => number,
  { live, seconds }: { live: number; seconds: number },
): Promise<BenchRow[]> {
  await harness.runner.start()
  await sleep(1000)
  const before = { looks: looks(), cpu: process.cpuUsage(), at: performance.now() }
  await sleep(seconds * 1000)
  const rounds = (looks() - before.looks) / live
  const { user, system } = process.cpuUsage(before.cpu)
  return [
    {
      what: 'one tick over all live jobs',
      ours: (performance.now() - before.at) / rounds,
      unit: 'ms',
      goal: '≤ 1000 ms, its interval',
    },
    { what: 'processor time of a tick', ours: (user + system) / 1000 / rounds, unit: 'ms', goal: '' },
    { what: 'memory', ours: process.memoryUsage().rss / 1024 ** 2, unit: 'MB', goal: '' },
  ]
}

function highest(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN
}
