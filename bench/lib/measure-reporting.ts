import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { ROOT } from '../../scripts/lib/run.ts'
import type { BenchRow } from './report.ts'

/** What reporting adds to the processor time of a fast loop and of a real training: platform up, slow and gone. */
export async function measureReporting(small: boolean): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const [state, delayMs] of [
    ['up', 0],
    ['slow (2 s an answer)', 2000],
    ['gone', undefined],
  ] as const) {
    const { url, server } = await startPlatform(delayMs ?? 0)
    if (delayMs === undefined) await stop(server)
    rows.push(...(await measureLoop(state, url, small ? 1 : 8)), ...(await measureTraining(state, url, small ? 1 : 14)))
    if (delayMs !== undefined) await stop(server)
  }
  return rows
}

async function measureLoop(state: string, url: string, rounds: number): Promise<BenchRow[]> {
  const { stepMs, reportMs, appendUs } = await runProgram('report-training.ts', url, rounds)
  return [
    {
      what: `stress: a step that reports, platform ${state}`,
      ours: stepMs + reportMs,
      unit: 'ms CPU',
      peer: { name: 'silent', value: stepMs },
      goal: 'ratio ≤ 1.01',
    },
    { what: `of it the report, platform ${state}`, ours: reportMs * 1000, unit: 'µs CPU', goal: '' },
    { what: `below 1 % in steps from, platform ${state}`, ours: reportMs * 100, unit: 'ms', goal: '' },
    { what: `one call beside others, platform ${state}`, ours: appendUs, unit: 'µs CPU', goal: '≤ 20 µs' },
  ]
}

async function measureTraining(state: string, url: string, rounds: number): Promise<BenchRow[]> {
  const { silentMs, reportingMs, stepMs, reports } = await runProgram('report-real-training.ts', url, rounds)
  return [
    {
      what: `tfjs-classifier: an epoch, ${stepMs.toFixed(1)} ms a step, ${reports} reports, platform ${state}`,
      ours: reportingMs,
      unit: 'ms CPU',
      peer: { name: 'silent', value: silentMs },
      goal: 'ratio ≤ 1.01',
    },
  ]
}

type Figures = Record<'stepMs' | 'reportMs' | 'appendUs' | 'silentMs' | 'reportingMs' | 'reports', number>

async function runProgram(name: string, url: string, rounds: number): Promise<Figures> {
  const workDir = mkdtempSync(join(tmpdir(), 'trainyard-bench-'))
  try {
    const args = ['--conditions=trainyard-source', join(ROOT, 'bench/lib', name), url, workDir, String(rounds)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    // Before it, the trainer's own lines.
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figures
  } finally {
    rmSync(workDir, { recursive: true, force: true })
  }
}

/** Acknowledges everything after a delay in milliseconds. Runs in this process; its cost is not counted. */
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

async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}
