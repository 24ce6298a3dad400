import type { Job, LogLine, MetricValue } from '@trainyard/contract'
import { formatBar, formatDuration } from '@trainyard/contract/format'
import type { Paint, Style } from '../terminal/paint.ts'
import { cleanText, formatCount } from '../terminal/text.ts'

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

export function formatMetric(value: MetricValue): string {
  if (typeof value !== 'number') return value
  if (Number.isInteger(value)) return formatCount(value)
  return Math.abs(value) >= 0.001 && Math.abs(value) < 10_000 ? value.toFixed(4) : value.toExponential(3)
}

/** Up to four metrics: the primary one first, then losses. */
export function mainMetrics(job: Job, latest: ReadonlyMap<string, MetricValue>): string[] {
  const rank = (name: string) =>
    name === job.primaryMetric.name ? 0 : name === 'loss' ? 1 : name.includes('loss') ? 2 : 3
  return [...latest]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .slice(0, 4)
    .map(([name, value]) => `${cleanText(name)} ${formatMetric(value)}`)
}

/** `[█████░░░░░]  42 %  epoch 3/8  loss 0.1234  12 s left` */
export function formatStatus(
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
  const elapsedMs = job.startedAt === undefined ? 0 : now.getTime() - new Date(job.startedAt).getTime()
  // Earlier estimates vary too much.
  if (job.state === 'running' && fraction > 0.02 && fraction < 1 && elapsedMs > 1000)
    parts.push(`${formatDuration((elapsedMs / fraction) * (1 - fraction))} left`)
  const text = parts.join('  ')
  const width = Math.min(30, columns - text.length - 4)
  return width < 8 ? text.slice(0, columns - 1) : `[${formatBar(fraction, width)}] ${text}`
}

export function formatLogLine(line: LogLine, paint: Paint): string {
  const style = LEVEL_STYLES[line.level]
  const text = cleanText(line.message)
  return `${paint('dim', line.time.slice(11, 19))} ${style === undefined ? text : paint(style, `${line.level}: ${text}`)}`
}
