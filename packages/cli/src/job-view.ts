import type { TrainyardClient } from '@trainyard/client'
import { isTerminalJobState, type Job, type LiveMessage, type LogLine, type MetricValue } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import { CLI_EXIT_CODES, type CliIo } from './command.ts'
import { formatCount } from './table.ts'
import { cleanText, createPaint, type Style } from './terminal.ts'

export const STATE_STYLES: Readonly<Record<Job['state'], Style>> = {
  pending: 'dim',
  queued: 'dim',
  running: 'bold',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'yellow',
}
const LEVEL_STYLES: Readonly<Record<LogLine['level'], Style | undefined>> = {
  debug: 'dim',
  info: undefined,
  warning: 'yellow',
  error: 'red',
}

/** How a job ended, as an exit code. */
export function exitCodeOf(job: Job): number {
  return job.state === 'succeeded' ? CLI_EXIT_CODES.ok : CLI_EXIT_CODES.rejected
}

/** `3 min 5 s`, `2 h 4 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`
}

export function formatMetric(value: MetricValue): string {
  if (typeof value !== 'number') return value
  if (Number.isInteger(value)) return formatCount(value)
  return Math.abs(value) >= 0.001 && Math.abs(value) < 10_000 ? value.toFixed(4) : value.toExponential(3)
}

/** The metrics that fit into a line: the primary one and the losses first. */
function mainMetrics(job: Job, latest: ReadonlyMap<string, MetricValue>): string[] {
  const rank = (name: string) =>
    name === job.primaryMetric.name ? 0 : name === 'loss' ? 1 : name.includes('loss') ? 2 : 3
  return [...latest]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .slice(0, 4)
    .map(([name, value]) => `${cleanText(name)} ${formatMetric(value)}`)
}

/** `[#####.....]  42 %  epoch 3/8  loss 0.1234  12 s left` */
function statusLine(
  job: Job,
  latest: ReadonlyMap<string, MetricValue>,
  { now, columns }: { now: Date; columns: number },
): string {
  const { fraction, epoch, totalEpochs, phase } = job.progress
  const parts = [`${Math.floor(fraction * 100)} %`.padStart(5)]
  if (job.state !== 'running') parts.push(job.state)
  else if (totalEpochs !== undefined) parts.push(`epoch ${epoch ?? 0}/${totalEpochs}`)
  else if (phase !== undefined) parts.push(cleanText(phase))
  parts.push(...mainMetrics(job, latest))
  const seconds = job.startedAt === undefined ? 0 : (now.getTime() - new Date(job.startedAt).getTime()) / 1000
  // Below this a guess would jump about.
  if (job.state === 'running' && fraction > 0.02 && fraction < 1 && seconds > 1)
    parts.push(`${formatSeconds((seconds / fraction) * (1 - fraction))} left`)
  const text = parts.join('  ')
  const width = Math.min(30, columns - text.length - 4)
  if (width < 8) return text.slice(0, columns - 1)
  const filled = Math.round(fraction * width)
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${text}`
}

export interface FollowJobOptions {
  client: TrainyardClient
  id: number
  io: CliIo
  signal: AbortSignal
  /** The lowest level of log lines that are shown. Default: warning. */
  level?: LogLine['level']
  /** Nothing is printed. */
  silent?: boolean
}

const LEVELS = ['debug', 'info', 'warning', 'error'] as const

/**
 * Shows a job until it ends: a line that is drawn over and over on a terminal, a line an epoch elsewhere, and its log.
 * Resolves with the job as it ended, or as it was when `signal` was aborted.
 */
export async function followJob({
  client,
  id,
  io,
  signal,
  level = 'warning',
  silent = false,
}: FollowJobOptions): Promise<Job> {
  const paint = createPaint(io.stderr, io.env)
  const isTerminal = io.stderr.isTTY === true
  const latest = new Map<string, MetricValue>()
  let job: Job | undefined
  let drawn = false
  let toldEpoch = -1
  let toldState: Job['state'] | undefined
  const clear = () => {
    if (drawn) io.stderr.write('\r\u001b[2K')
    drawn = false
  }
  const say = (line: string) => {
    clear()
    io.stderr.write(`${line}\n`)
  }
  const draw = () => {
    if (job === undefined) return
    const columns = io.stderr.columns ?? 80
    if (isTerminal) {
      io.stderr.write(`\r\u001b[2K${statusLine(job, latest, { now: new Date(), columns })}`)
      drawn = true
      return
    }
    const epoch = job.progress.epoch ?? -1
    if (epoch > toldEpoch || job.state !== toldState) say(statusLine(job, latest, { now: new Date(), columns: 200 }))
    toldEpoch = epoch
    toldState = job.state
  }
  const take = (message: LiveMessage) => {
    if (message.type === 'snapshot' || message.type === 'job') {
      job = message.job
      for (const [name, value] of Object.entries(job.latestMetrics)) latest.set(name, value)
    }
    if (message.type === 'metrics') for (const { name, value } of message.points) latest.set(name, value)
    if (silent) return
    const lines = message.type === 'logs' ? message.lines : message.type === 'snapshot' ? message.logs : []
    for (const line of lines) if (LEVELS.indexOf(line.level) >= LEVELS.indexOf(level)) say(formatLogLine(line, paint))
    if (message.type === 'artifact')
      say(
        `${paint('green', message.artifact.kind)} ${cleanText(message.artifact.name)} ${formatBytes(message.artifact.sizeBytes)}`,
      )
    draw()
  }
  try {
    for await (const message of client.jobs.live(id, { signal })) take(message)
  } finally {
    clear()
  }
  if (signal.aborted && job !== undefined) return job
  return await client.jobs.get(id)
}

export function formatLogLine(line: LogLine, paint: (style: Style, text: string) => string): string {
  const style = LEVEL_STYLES[line.level]
  const text = cleanText(line.message)
  return `${paint('dim', line.time.slice(11, 19))} ${style === undefined ? text : paint(style, `${line.level}: ${text}`)}`
}

/** One last word about a job that has ended. */
export function printEnd(job: Job, io: CliIo): void {
  if (!isTerminalJobState(job.state)) return
  const paint = createPaint(io.stdout, io.env)
  const took =
    job.startedAt !== undefined && job.finishedAt !== undefined
      ? ` after ${formatSeconds((new Date(job.finishedAt).getTime() - new Date(job.startedAt).getTime()) / 1000)}`
      : ''
  const why = job.endReason === undefined || job.endReason === 'completed' ? '' : ` (${job.endReason})`
  io.stdout.write(`${paint(STATE_STYLES[job.state], `job ${job.id} ${job.state}`)}${why}${took}\n`)
  if (job.error !== undefined) io.stdout.write(`  ${cleanText(job.error.message).split('\n').join('\n  ')}\n`)
  const metrics = mainMetrics(job, new Map(Object.entries(job.latestMetrics)))
  if (job.state === 'succeeded' && metrics.length > 0) io.stdout.write(`  ${metrics.join('  ')}\n`)
}
