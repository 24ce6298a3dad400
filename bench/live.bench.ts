/**
 * Live pages: a thousand jobs that each report once a second, each watched over a WebSocket. Measured is the time from
 * the trainer's call, before it is sent, to the message in the reader; readers and trainers share a process and a clock.
 * Some of the jobs are also watched by a page in Chromium, up to the row that shows the point and the frame after it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '@trainyard/platform'
import { Connections } from './lib/load.ts'
import { peakMegabytes } from './lib/mlflow.ts'
import type { Bench, BenchRow } from './lib/report.ts'
import { startIntakeServer } from './lib/start-intake-server.ts'
import { type ChromiumReader, watchInChromium } from './lib/watch-in-chromium.ts'

interface Message {
  type: string
  points?: { name: string; value: number }[]
}

export const bench: Bench = async ({ small }) => {
  const count = small ? 50 : 1000
  const seconds = small ? 3 : 20
  const warmSeconds = small ? 1 : 5
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-bench-live-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  const server = await startIntakeServer(postgres.url, count)
  const connections = new Connections(server.url, 100)
  const sockets: WebSocket[] = []
  let browser: ChromiumReader | undefined
  try {
    const latencies: number[] = []
    const callTimes: number[] = []
    let sent = 0
    let measuredFrom = Number.POSITIVE_INFINITY
    let snapshots = 0
    const onMessage = ({ data }: MessageEvent) => {
      const message = JSON.parse(String(data)) as Message
      if (message.type === 'snapshot') snapshots++
      const now = performance.now()
      for (const { name, value } of message.points ?? [])
        if (name === 'sent' && value >= measuredFrom) latencies.push(now - value)
    }
    for (const { id } of server.jobs) {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/jobs/${id}/live`)
      socket.addEventListener('message', onMessage)
      sockets.push(socket)
    }
    while (snapshots < count) await sleep(50)
    const inBrowser = server.jobs.slice(0, small ? 2 : 25).map(({ id }) => id)
    browser = await watchInChromium(server.url, inBrowser, performance.timeOrigin)
    while (browser !== undefined && (await browser.ready()) < inBrowser.length) await sleep(50)

    const post = async ({ id, authorization }: { id: number; authorization: string }, seq: number) => {
      const started = performance.now()
      const metrics = `{"sent":${started},"loss":${Math.random()}}`
      const event = `{"seq":${seq},"time":"${new Date().toISOString()}","type":"progress","step":${seq},"metrics":${metrics}}`
      const body = `{"attempt":1,"events":[${event}]}`
      const answer = await connections.post(`/v1/jobs/${id}/events`, body, { authorization })
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
      if (started >= measuredFrom) callTimes.push(performance.now() - started)
    }
    const begun = performance.now()
    const calls: Promise<void>[] = []
    // Every job has its own moment of the second.
    for (let tick = 0; tick < (warmSeconds + seconds) * count; tick++) {
      const due = begun + (tick * 1000) / count
      const early = due - performance.now()
      if (early > 0) await sleep(early)
      if (tick === warmSeconds * count) measuredFrom = performance.now()
      const job = server.jobs[tick % count]
      if (job === undefined) continue
      if (tick >= warmSeconds * count) sent++
      calls.push(post(job, Math.floor(tick / count) + 1))
    }
    const took = (performance.now() - begun) / 1000
    await Promise.all(calls)
    await sleep(1000)
    const delays = await browser?.delays()
    const what = `call of a trainer → message in a reader, ${count} jobs at 1 Hz`
    return [
      { what: `${what}: p50`, ours: of(latencies, 0.5), unit: 'ms', goal: 'for the record' },
      { what: `${what}: p99`, ours: of(latencies, 0.99), unit: 'ms', goal: '≤ 100 ms' },
      ...(delays === undefined ? [] : browserRows(delays, warmSeconds * inBrowser.length)),
      { what: 'call of a trainer → its answer: p99', ours: of(callTimes, 0.99), unit: 'ms', goal: 'for the record' },
      { what: 'messages that arrived, of those sent', ours: latencies.length / sent, unit: '', goal: '1' },
      { what: 'pace that was held', ours: (calls.length / took / count) * 100, unit: '%', goal: '100 %' },
      {
        what: 'peak memory of the server',
        ours: peakMegabytes(server.child.pid ?? 0),
        unit: 'MB',
        goal: 'for the record',
      },
      { what: 'load of the machine at the end', ours: loadavg()[0] ?? 0, unit: '', goal: 'for the record' },
    ]
  } finally {
    await browser?.close()
    for (const socket of sockets) socket.close()
    connections.close()
    await server.stop()
    await postgres.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Without the first ones, in which everything still warms up. */
function browserRows(delays: { shown: number[]; painted: number[] }, warm: number): BenchRow[] {
  const rows: BenchRow[] = []
  for (const [what, all] of [
    ['the row of a page in Chromium', delays.shown],
    ['the frame that shows it', delays.painted],
  ] as const) {
    const values = all.slice(warm)
    const goal = what.startsWith('the row') ? '≤ 100 ms' : 'for the record'
    rows.push(
      { what: `call of a trainer → ${what}: p50`, ours: of(values, 0.5), unit: 'ms', goal: 'for the record' },
      { what: `call of a trainer → ${what}: p99`, ours: of(values, 0.99), unit: 'ms', goal },
    )
  }
  return [...rows, { what: 'messages in Chromium', ours: delays.shown.length, unit: '', goal: 'for the record' }]
}

function of(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
}
