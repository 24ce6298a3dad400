import { isTerminalJobState, type Job } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { createPaint } from '../terminal/paint.ts'
import { printJson } from '../terminal/table.ts'
import { cleanText } from '../terminal/text.ts'
import { mainMetrics, STATE_STYLES } from './format-job.ts'

/** Prints how a followed job ended, or that it continues after Ctrl-C. Returns the exit code. */
export function printFollowedJob(job: Job, io: CliIo, { json }: { json: boolean }): number {
  const isFinished = isTerminalJobState(job.state)
  if (json) printJson(io, { job })
  else if (isFinished) printEnd(job, io)
  else
    io.stderr.write(
      `Job ${job.id} continues. Follow it again: trainyard jobs watch ${job.id}. Stop it: trainyard jobs cancel ${job.id}\n`,
    )
  if (!isFinished) return EXIT_CODES.interrupted
  return job.state === 'succeeded' ? EXIT_CODES.ok : EXIT_CODES.negative
}

function printEnd(job: Job, io: CliIo): void {
  const paint = createPaint(io.stdout, io.env)
  const duration =
    job.startedAt !== undefined && job.finishedAt !== undefined
      ? ` after ${formatDuration(new Date(job.finishedAt).getTime() - new Date(job.startedAt).getTime())}`
      : ''
  const reason = job.endReason === undefined || job.endReason === 'completed' ? '' : ` (${job.endReason})`
  io.stdout.write(`${paint(STATE_STYLES[job.state], `job ${job.id} ${job.state}`)}${reason}${duration}\n`)
  if (job.error !== undefined) io.stdout.write(`  ${cleanText(job.error.message).split('\n').join('\n  ')}\n`)
  const metrics = mainMetrics(job, new Map(Object.entries(job.latestMetrics)))
  if (job.state === 'succeeded' && metrics.length > 0) io.stdout.write(`  ${metrics.join('  ')}\n`)
}
