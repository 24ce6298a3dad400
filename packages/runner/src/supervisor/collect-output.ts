import type { LogLevel } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { AttemptRow } from '../db/schema/attempts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import type { OutputLine } from '../launchers/launcher.ts'
import { parseOutputLine } from './parse-output-line.ts'

/**
 * Stores what the trainer has printed since the last call. The lines and the new position are committed together, so that
 * nothing is lost or duplicated when another runner continues.
 *
 * @returns the new position, and whether there may be more output
 */
export async function collectOutput(
  context: RunnerContext,
  job: Pick<JobRow, 'trace_id'>,
  attempt: AttemptRow,
  { final }: { final: boolean },
): Promise<{ position: AttemptRow['output_position']; more: boolean }> {
  const from = attempt.output_position
  // Before the first report it is not known whether the journal will contain these lines too.
  if (!final && attempt.channel === null) return { position: from, more: false }
  const ref = { jobId: attempt.job_id, attempt: attempt.attempt }
  const { lines, position } = await context.launcher.logs(ref, from, { final })
  if (position.stdout === from.stdout && position.stderr === from.stderr) return { position, more: false }

  const kept = lines.flatMap((line) => rowsOf(line, job.trace_id, attempt.channel === 'journal'))
  await context.database.transaction(async (trx) => {
    // Ids of lines are assigned under the job's lock, so that a live stream never skips one that commits late.
    await trx.selectFrom('jobs').select('id').where('id', '=', ref.jobId).forUpdate().execute()
    const quota = context.limits.maxLogLinesPerAttempt
    const moved = await trx
      .updateTable('attempts')
      .set({
        output_position: JSON.stringify(position),
        log_lines: sql<number>`log_lines + ${kept.length}`,
        dropped_lines: sql<number>`greatest(0, log_lines + ${kept.length} - ${quota}::bigint)`,
      })
      .where('job_id', '=', ref.jobId)
      .where('attempt', '=', ref.attempt)
      .where(sql<boolean>`output_position = ${JSON.stringify(from)}::jsonb`)
      .returning('log_lines')
      .executeTakeFirst()
    if (moved === undefined) return
    const room = Math.max(0, quota - (moved.log_lines - kept.length))
    const rows = kept.slice(0, room).map((row) => ({ ...row, job_id: ref.jobId, attempt: ref.attempt }))
    for (let at = 0; at < rows.length; at += 1000)
      await trx
        .insertInto('logs')
        .values(rows.slice(at, at + 1000))
        .execute()
  })
  if (kept.length > 0) context.hub.changed(ref.jobId)
  return { position, more: true }
}

interface LineRow {
  time: Date
  level: LogLevel
  source: OutputLine['source']
  message: string
}

function rowsOf(line: OutputLine, jobTraceId: string, usesJournal: boolean): LineRow[] {
  const { traceId, level, message } = parseOutputLine(line)
  // The SDK also prints the messages that it sends, and the journal contains those already.
  if (usesJournal && traceId === jobTraceId) return []
  return [{ time: line.time, level, source: line.source, message }]
}

/** Stores the rest of the output after the process has ended. */
export async function collectRest(
  context: RunnerContext,
  job: Pick<JobRow, 'trace_id'>,
  attempt: AttemptRow,
): Promise<void> {
  let current = attempt
  for (;;) {
    const { position, more } = await collectOutput(context, job, current, { final: true })
    if (!more) return
    current = { ...current, output_position: position }
  }
}

/** The last lines on stderr, or of all output where the launcher does not separate the two. */
export async function errorTail(context: RunnerContext, ref: { jobId: number; attempt: number }): Promise<string> {
  const rows = await context.database.db
    .selectFrom('logs')
    .select('message')
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .where('source', 'in', context.launcher.capabilities.mergedOutput ? ['stdout', 'stderr'] : ['stderr'])
    .orderBy('id', 'desc')
    .limit(15)
    .execute()
  return rows
    .reverse()
    .map((row) => row.message)
    .join('\n')
    .slice(-4000)
}
