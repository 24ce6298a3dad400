/**
 * What the orchestrators cost: jobs a second, the latency to a start, and 10,000 queued jobs. The launcher is a fake in this process,
 * whose trainers end at once: what is measured is the runner, its database and Temporal, not processes. Temporal is measured where
 * TEMPORAL_ADDRESS names a server.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@trainyard/platform'
import type { OrchestratorName } from '../packages/runner/src/config/orchestrators.ts'
import type { Launcher } from '../packages/runner/src/launchers/launcher.ts'
import { analyzeTables, queueJobs } from '../packages/runner/src/supervisor/testing/queue-jobs.ts'
import { type Harness, noLauncher, startHarness } from '../packages/runner/src/testing/harness.ts'
import { testTemporal } from '../packages/runner/src/testing/test-orchestrator.ts'
import { type Bench, median } from './lib/report.ts'

interface Figures {
  jobsPerSecond: number
  startMs: number
  /** Processor time of the runner for each minute with the queued jobs. */
  queuedCpuMs: number
  memoryMb: number
}

export const bench: Bench = async ({ small }) => {
  const queued = small ? 50 : 10_000
  const dir = mkdtempSync(join(tmpdir(), 'trainyard-bench-orchestrators-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  process.env.TEST_DATABASE_URL = postgres.url
  try {
    const temporal = testTemporal() === undefined ? undefined : await measure('temporal', { queued, small })
    const database = await measure('database', { queued, small })
    const peer = (value: number | undefined) => (value === undefined ? undefined : { name: 'Temporal', value })
    return [
      {
        what: 'jobs from submission to end',
        ours: database.jobsPerSecond,
        unit: '/s',
        peer: peer(temporal?.jobsPerSecond),
        goal: '',
      },
      {
        what: 'submission to launch, p50',
        ours: database.startMs,
        unit: 'ms',
        peer: peer(temporal?.startMs),
        goal: '≤ 1000 ms',
      },
      {
        what: `processor time a minute, ${queued} queued`,
        ours: database.queuedCpuMs,
        unit: 'ms',
        peer: peer(temporal?.queuedCpuMs),
        goal: '',
      },
      {
        what: `memory, ${queued} queued`,
        ours: database.memoryMb,
        unit: 'MB',
        peer: peer(temporal?.memoryMb),
        goal: '',
      },
    ]
  } finally {
    await postgres.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function measure(
  orchestrator: OrchestratorName,
  { queued, small }: { queued: number; small: boolean },
): Promise<Figures> {
  const launchedAt = new Map<number, number>()
  const launcher: Launcher = {
    ...noLauncher,
    async launch({ jobId }) {
      launchedAt.set(jobId, performance.now())
    },
    observe: async ({ jobId }) => (launchedAt.has(jobId) ? { state: 'exited', exitCode: 0 } : { state: 'absent' }),
  }
  const harness = await startHarness({
    runner: { launcher },
    config: { orchestrator, temporal: testTemporal(), maxConcurrentJobs: 32, limits: { reconcileIntervalMs: 1000 } },
    start: true,
  })
  try {
    // Once for what is loaded at first use.
    await lasts(harness, (await harness.createJob({ maxRetries: 0 })).id)
    const starts: number[] = []
    for (let round = 0; round < (small ? 3 : 15); round++) {
      const submittedAt = performance.now()
      const { id } = await harness.createJob({ maxRetries: 0 })
      await lasts(harness, id)
      starts.push((launchedAt.get(id) ?? Number.NaN) - submittedAt)
    }
    const jobs = small ? 10 : 200
    const startedAt = performance.now()
    const created: number[] = []
    for (let count = 0; count < jobs; count++) created.push((await harness.createJob({ maxRetries: 0 })).id)
    for (const id of created) await lasts(harness, id)
    const jobsPerSecond = jobs / ((performance.now() - startedAt) / 1000)
    return { jobsPerSecond, startMs: median(starts), ...(await waiting(harness, { queued, small })) }
  } finally {
    await harness.close()
  }
}

async function lasts(harness: Harness, id: number): Promise<void> {
  await harness.waitFor(id, ({ state }) => state === 'failed', 300_000)
}

/** Queued jobs that no runner may take. With Temporal, each has a workflow. */
async function waiting(
  { runner: { context } }: Harness,
  { queued, small }: { queued: number; small: boolean },
): Promise<Pick<Figures, 'queuedCpuMs' | 'memoryMb'>> {
  const ids = await queueJobs(
    context,
    Array.from({ length: queued }, () => ({ queue: 'not-served' })),
  )
  await analyzeTables(context)
  for (const id of ids) context.hub.changed(id)
  await sleep(small ? 1000 : 60_000)
  const seconds = small ? 1 : 20
  const before = process.cpuUsage()
  await sleep(seconds * 1000)
  const { user, system } = process.cpuUsage(before)
  return {
    queuedCpuMs: ((user + system) / 1000) * (60 / seconds),
    memoryMb: process.memoryUsage().rss / 1024 ** 2,
  }
}
