/**
 * What a backlog of jobs on one large dataset costs: 200 queued jobs on 10,000 files beside one job on the same dataset. The
 * launcher is a fake in this process; the checks of the files, the store and the database are real.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@trainyard/platform'
import { concurrently } from '../packages/runner/src/datasets/registration/concurrently.ts'
import { insertFiles } from '../packages/runner/src/datasets/testing/insert-files.ts'
import type { Launcher } from '../packages/runner/src/launchers/launcher.ts'
import { type Harness, noLauncher, startHarness } from '../packages/runner/src/testing/harness.ts'
import type { Bench } from './lib/report.ts'

interface Figures {
  firstMs: number
  lastMs: number
  peakMb: number
}

export const bench: Bench = async ({ small }) => {
  const files = small ? 200 : 10_000
  const jobs = small ? 20 : 200
  const dir = mkdtempSync(join(tmpdir(), 'trainyard-bench-backlog-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  process.env.TEST_DATABASE_URL = postgres.url
  try {
    // Once more for what is loaded and compiled at first use.
    await measure({ files, jobs: 1 })
    const one = await measure({ files, jobs: 1 })
    const all = await measure({ files, jobs })
    const peer = (value: number) => ({ name: 'one job', value })
    return [
      {
        what: `${jobs} jobs on ${files} files, first start`,
        ours: all.firstMs,
        unit: 'ms',
        peer: peer(one.firstMs),
        goal: '≤ 2 s over one job',
      },
      { what: 'last start', ours: all.lastMs, unit: 'ms', peer: peer(one.lastMs), goal: '' },
      { what: 'memory', ours: all.peakMb, unit: 'MB', peer: peer(one.peakMb), goal: 'flat' },
    ]
  } finally {
    await postgres.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function measure({ files, jobs }: { files: number; jobs: number }): Promise<Figures> {
  const starts = new Map<number, number>()
  const launcher: Launcher = {
    ...noLauncher,
    async launch({ jobId }) {
      starts.set(jobId, performance.now())
    },
    observe: async ({ jobId }) => ({ state: starts.has(jobId) ? 'running' : 'absent' }),
  }
  const config = { maxConcurrentJobs: jobs, heartbeatTimeoutSeconds: 3600, startTimeoutSeconds: 3600 }
  const harness = await startHarness({ runner: { launcher }, config })
  try {
    await addFiles(harness, files)
    for (let count = 0; count < jobs; count++) await harness.createJob()
    let peakBytes = process.memoryUsage.rss()
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
    }, 20)
    const startedAt = performance.now()
    await harness.runner.start()
    while (starts.size < jobs) await sleep(5)
    clearInterval(watch)
    const times = [...starts.values()].map((time) => time - startedAt)
    return { firstMs: Math.min(...times), lastMs: Math.max(...times), peakMb: peakBytes / 1024 ** 2 }
  } finally {
    await harness.close()
  }
}

/** Adds images to the harness's dataset, in its store and in its rows. */
async function addFiles({ runner: { context }, datasetId }: Harness, count: number): Promise<void> {
  const paths = Array.from({ length: count }, (_, index) => `images/${index % 100}/${index}.png`)
  const body = Buffer.from('an image')
  await concurrently(paths, 8, async (path) => {
    await context.store.put(`datasets/${datasetId}/${path}`, body, { contentType: 'image/png' })
  })
  await insertFiles(context.database, datasetId, { paths, sizeBytes: body.length })
}
