/**
 * One series of a million points that came through the intake, read at 2,500 as a chart does, over the app itself: database,
 * thinning and JSON. Every spike in the input must appear, and each reading must give the same points.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@trainyard/platform'
import { noLauncher, openJournal, startHarness } from '../packages/runner/src/testing/harness.ts'
import { type Bench, type BenchRow, median } from './lib/report.ts'

interface Answer {
  series: { count: number; points: { step: number; value: number | string }[] }[]
}

/** As a trainer in a hurry sends them. */
const PER_BATCH = 1000

export const bench: Bench = async ({ small }) => {
  const count = small ? 60_000 : 1_000_000
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-bench-series-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  process.env.TEST_DATABASE_URL = postgres.url
  const harness = await startHarness({
    runner: { launcher: noLauncher },
    config: { limits: { maxEventsPerSecond: 1_000_000 } },
  })
  try {
    const journal = await openJournal(harness)
    const spikes = new Map(
      [0.1, 0.35, 0.62, 0.9, 0.999].map((share, index) => [Math.floor(count * share), index % 2 ? -99 : 99]),
    )
    for (let from = 0; from < count; from += PER_BATCH) {
      const events = Array.from({ length: Math.min(PER_BATCH, count - from) }, (_, index) => {
        const step = from + index
        const metrics = { loss: spikes.get(step) ?? Math.sin(step / 5000) }
        return { type: 'progress', step, metrics }
      })
      const response = await journal.send(from + 1, events)
      if (!response.ok) throw new Error(`not stored: ${await response.text()}`)
    }

    const read = async () => {
      const started = performance.now()
      const text = await (await harness.request(`/v1/jobs/${journal.jobId}/metrics?name=loss&points=2500`)).text()
      return { ms: performance.now() - started, text }
    }
    const first = await read()
    const times: number[] = []
    let isSame = true
    for (let round = 0; round < (small ? 5 : 50); round++) {
      const { ms, text } = await read()
      times.push(ms)
      isSame &&= text === first.text
    }
    const [series] = (JSON.parse(first.text) as Answer).series
    const shown = new Set(series?.points.map(({ value }) => value))
    const missing = [...spikes.values()].filter((value) => !shown.has(value)).length
    if (series?.count !== count || missing > 0 || !isSame)
      throw new Error(`${series?.count} points, ${missing} spikes missing, the same each time: ${isSame}`)
    const what = `a series of ${count.toLocaleString('en')} points at 2,500`
    const rows: BenchRow[] = [
      { what, ours: median(times), unit: 'ms', goal: '≤ 50 ms' },
      { what: `${what}: p99`, ours: Math.max(...times), unit: 'ms', goal: 'for the record' },
      {
        what: `${what}: the first time, at once after its last point came`,
        ours: first.ms,
        unit: 'ms',
        goal: 'for the record',
      },
      { what: 'points of the answer', ours: series.points.length, unit: '', goal: '≤ 2,502' },
      { what: 'load of the machine at the end', ours: loadavg()[0] ?? 0, unit: '', goal: 'for the record' },
    ]
    return rows
  } finally {
    await harness.close()
    await postgres.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
