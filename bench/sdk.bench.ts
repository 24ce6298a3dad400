/**
 * What the SDK costs: its import, its size, and reporting beside a training loop, with a platform that is up, slow or gone.
 * Import and size need `npm run build`, since they measure what is published.
 */
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { PACKS_DIR } from '../scripts/lib/packages.ts'
import { ROOT } from '../scripts/lib/run.ts'
import type { Bench, BenchRow } from './lib/report.ts'
import { median } from './lib/report.ts'

/** Milliseconds that a whole Node process takes to run a line of code. */
function processTime(code: string): number {
  const started = process.hrtime.bigint()
  execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: join(ROOT, 'packages/sdk') })
  return Number(process.hrtime.bigint() - started) / 1e6
}

/** Acknowledges everything, after so many milliseconds. */
async function startPlatform(delayMs: number): Promise<{ url: string; server: Server }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const raw = Buffer.concat(chunks)
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
    const { events } = JSON.parse(text) as { events: { seq: number }[] }
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    const acknowledged = events.at(-1)?.seq ?? 0
    response.end(JSON.stringify({ acknowledged, shouldContinue: true, heartbeatSeconds: 15, rejected: [] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/jobs/1`, server }
}

/** What reporting adds to the CPU of a training's steps, against a platform in this process. */
async function measureOverhead(what: string, url: string, stretches: number): Promise<BenchRow[]> {
  const workDir = mkdtempSync(join(tmpdir(), 'trainyard-bench-'))
  try {
    const program = join(ROOT, 'bench/lib/report-training.ts')
    const args = ['--conditions=trainyard-source', program, url, workDir, String(stretches)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { stepMs, reportMs, appendUs } = JSON.parse(stdout) as Record<'stepMs' | 'reportMs' | 'appendUs', number>
    return [
      {
        what: `CPU of a step that reports, platform ${what}`,
        ours: stepMs + reportMs,
        unit: 'ms',
        peer: { name: 'silent', value: stepMs },
        goal: 'ratio ≤ 1.01',
      },
      { what: `of it reporting, platform ${what}`, ours: reportMs * 1000, unit: 'µs', goal: '' },
      { what: `one append, platform ${what}`, ours: appendUs, unit: 'µs', goal: '≤ 20 µs' },
    ]
  } finally {
    rmSync(workDir, { recursive: true, force: true })
  }
}

async function overheadRows(small: boolean): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  const stretches = small ? 1 : 8
  for (const [what, delayMs] of [
    ['up', 0],
    ['slow', 2000],
  ] as const) {
    const { url, server } = await startPlatform(delayMs)
    rows.push(...(await measureOverhead(what, url, stretches)))
    server.closeAllConnections()
    server.close()
  }
  const { url, server } = await startPlatform(0)
  server.close()
  await once(server, 'close')
  return [...rows, ...(await measureOverhead('gone', url, stretches))]
}

export const bench: Bench = async ({ small }) => {
  const rounds = small ? 2 : 11
  const bare: number[] = []
  const core: number[] = []
  // Interleaved, so that a noisy neighbour disturbs both alike.
  for (let round = 0; round < rounds; round++) {
    bare.push(processTime('0'))
    core.push(processTime("await import('@trainyard/sdk')"))
  }
  const packs = readdirSync(PACKS_DIR).filter((file) => file.startsWith('trainyard-sdk-'))
  const pack = packs[0]
  if (pack === undefined) throw new Error(`no packed SDK in ${PACKS_DIR}: run npm run build`)
  const bareMs = median(bare)
  return [
    ...(await overheadRows(small)),
    {
      what: 'process that imports the core',
      ours: median(core),
      unit: 'ms',
      peer: { name: 'bare node', value: bareMs },
      goal: 'at most 40 ms more',
    },
    { what: 'import over bare node', ours: median(core) - bareMs, unit: 'ms', goal: '≤ 40 ms' },
    { what: 'packed size', ours: statSync(join(PACKS_DIR, pack)).size / 1000, unit: 'kB', goal: '≤ 300 kB' },
  ]
}
