/**
 * The search of a catalogue of 100,000 trainers over the registry's API: database, ranking, counts of every filter, JSON.
 * The queries are those that cost most: words that a third of all trainers have, beginnings, typos, filters, later pages.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@trainyard/platform'
import {
  type CatalogueDatabase,
  insertTrainers,
  listConnections,
} from '../packages/registry/src/testing/catalogue-fixture.ts'
import { createHarness } from '../packages/registry/src/testing/harness.ts'
import { makeCatalogue } from './lib/make-catalogue.ts'
import { type Bench, type BenchRow, median } from './lib/report.ts'

const QUERIES: Readonly<Record<string, readonly string[]>> = {
  'one word': ['q=yolo', 'q=unet', 'q=helmet', 'q=apache', 'q=onnx', 'q=pytorch', 'q=medical'],
  'a word of every third trainer': ['q=detection', 'q=detector', 'q=picture', 'q=d', 'q=p'],
  'two and three words': ['q=helmet+detector', 'q=yolo+detection', 'q=fast+bicycle+pytorch', 'q=object+detection'],
  'mistyped words': ['q=segmentaton', 'q=biycle+detecter', 'q=efficentnet', 'q=dectection+of+helmetts', 'q=zzzzzzzz'],
  names: ['q=team7%2Fbicycle-unet-detector-17', 'q=bicycle-unet-detector', 'q=team12'],
  'no words': ['', 'sort=newest', 'sort=name', 'task=pose', 'framework=jax&export=onnx', 'license=Apache-2.0'],
  'words and filters': ['q=detector&framework=pytorch', 'q=yolo&license=MIT&sort=newest', 'q=fast&export=coreml'],
}

export const bench: Bench = async ({ small }) => {
  const count = small ? 3000 : 100_000
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-bench-search-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  process.env.TEST_DATABASE_URL = postgres.url
  const harness = await createHarness()
  try {
    const { db } = harness.registry.context.database
    await insertTrainers(db, makeCatalogue(count))
    const ask = async (query: string) => {
      const started = performance.now()
      const response = await harness.request(`/v1/trainers?${query}`)
      const text = await response.text()
      if (!response.ok) throw new Error(`${query}: ${text}`)
      return { ms: performance.now() - started, answer: JSON.parse(text) as { total: number; nextCursor?: string } }
    }
    const cpuMs = await cpuMeter(db)
    const rows: BenchRow[] = []
    const all: number[] = []
    const loads = [loadavg()[0] ?? 0]
    for (const [what, queries] of Object.entries(QUERIES)) {
      const times: number[] = []
      for (const query of queries) await ask(query)
      const before = cpuMs()
      for (let round = 0; round < (small ? 2 : 20); round++) {
        for (const query of queries) {
          const { ms, answer } = await ask(query)
          times.push(ms)
          if (answer.nextCursor !== undefined) times.push((await ask(`${query}&cursor=${answer.nextCursor}`)).ms)
        }
      }
      all.push(...times)
      rows.push({ what: `${what}: p50`, ours: median(times), unit: 'ms', goal: 'for the record' })
      rows.push({ what: `${what}: p95`, ours: percentile(times, 0.95), unit: 'ms', goal: '≤ 50 ms' })
      const cpu = (cpuMs() - before) / times.length
      rows.push({
        what: `${what}: processor time, ours and PostgreSQL's`,
        ours: cpu,
        unit: 'ms',
        goal: 'for the record',
      })
    }
    loads.push(loadavg()[0] ?? 0)
    return [
      {
        what: `${count.toLocaleString('en')} trainers, all queries: p95`,
        ours: percentile(all, 0.95),
        unit: 'ms',
        goal: '≤ 50 ms',
      },
      ...rows,
      { what: 'load of the machine, highest', ours: Math.max(...loads), unit: '', goal: 'for the record' },
    ]
  } finally {
    await harness.close()
    await postgres.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

/** The processor time of this process and of PostgreSQL's for our connections, which does not depend on the load. */
async function cpuMeter(db: CatalogueDatabase): Promise<() => number> {
  const pids = await listConnections(db)
  return () => {
    const { user, system } = process.cpuUsage()
    const ticks = pids.map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return Number(fields[11]) + Number(fields[12])
    })
    return (user + system) / 1000 + ticks.reduce((sum, one) => sum + one, 0) * 10
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
