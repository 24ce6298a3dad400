import { LogLevel } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { AttemptRow } from '../db/schema/attempts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { type JournalEvent, readJournal, readLastEvent } from '../journal/read-journal.ts'
import type { OutputLine, OutputPosition } from '../launchers/launcher.ts'
import { type HeldLine, HeldOutput, isCutLine, type JournaledMessage, matchJournal } from './held-output.ts'
import { type ParsedLine, parseOutputLine } from './parse-output-line.ts'

/** What an attempt has read of its trainer's output. */
interface Progress {
  position: OutputPosition
  held: HeldOutput
}

/** How often a read without new output is noted. */
const NOTE_READS_MS = 30_000

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
): Promise<Progress & { more: boolean }> {
  const from: Progress = { position: attempt.output_position, held: HeldOutput.parse(attempt.held_output) }
  // Before the first report it is not known whether the journal will contain these lines too.
  if (!final && attempt.channel === null) return { ...from, more: false }
  const ref = { jobId: attempt.job_id, attempt: attempt.attempt }
  const readAt = context.clock.now().getTime()
  const { lines, position } = await context.launcher.logs(ref, from.position, { final })
  const more = position.stdout !== from.position.stdout || position.stderr !== from.position.stderr
  const isQuiet = readAt - from.held.readUntil < NOTE_READS_MS
  if (!more && from.held.lines.length === 0 && isQuiet) return { ...from, more: false }

  const printed = lines.map((line) => ({ line, parsed: parseOutputLine(line) }))
  const mayBeJournaled = ({ parsed }: (typeof printed)[number]) =>
    attempt.channel === 'journal' && parsed.traceId === job.trace_id
  const since = from.held.readUntil
  const added = printed.filter(mayBeJournaled).map(({ line, parsed }) => toHeld(line, parsed, since))
  const { kept: unmatched, held } = await match(context, attempt, {
    held: { ...from.held, lines: [...from.held.lines, ...added], readUntil: isShort(lines) ? readAt : since },
    final,
  })
  const others = printed
    .filter((each) => !mayBeJournaled(each))
    .map(({ line, parsed }) => ({ time: line.time, level: parsed.level, source: line.source, message: parsed.message }))
  const isUnchanged =
    unmatched.length === 0 && held.lines.length === from.held.lines.length && held.seq === from.held.seq
  if (!more && isUnchanged && isQuiet) return { ...from, more: false }
  const rows = [...unmatched.map(toRow), ...others]
  if (await store(context, { ref, from: attempt, to: { position, held }, rows })) context.hub.changed(ref.jobId)
  return { position, held, more }
}

/** Whether the read has reached the end of the output: a long one is cut. */
const isShort = (lines: readonly OutputLine[]): boolean =>
  lines.reduce((sum, { text }) => sum + text.length, 0) < 500_000

function toHeld(line: OutputLine, { level, message }: ParsedLine, since: number): HeldLine {
  return { level, message, isCut: isCutLine(line.text), source: line.source, time: line.time.getTime(), since }
}

const toRow = ({ time, level, source, message }: HeldLine) => ({ time: new Date(time), level, source, message })

/** Finds the held lines in the journal. */
async function match(
  { database }: RunnerContext,
  attempt: AttemptRow,
  { held, final }: { held: HeldOutput; final: boolean },
): Promise<{ kept: HeldLine[]; held: HeldOutput }> {
  if (held.lines.length === 0) return { kept: [], held }
  const ref = { jobId: attempt.job_id, attempt: attempt.attempt }
  // Read before the messages, so that a message which arrives between the two is not missed.
  const last = await readLastEvent(database, { ...ref, last_seq: attempt.last_seq })
  const journaled = (await readMessages(database, { ...ref, seq: held.seq })).flatMap(toMessage)
  return matchJournal(held, { journaled, isPassed: (line) => final || isPassed(line, attempt, last) })
}

/** At least how much later than a line the journal must be, because the time of a line is not exact. */
const PASSED_MS = 1000

/**
 * Whether the journal has passed a line: it has an event of a later time, or the trainer reported after the line that it
 * has no more events.
 */
function isPassed(line: HeldLine, attempt: AttemptRow, last: JournalEvent | undefined): boolean {
  const passedAt = line.time + PASSED_MS
  if (last?.time !== undefined && last.time !== null && last.time.getTime() >= passedAt) return true
  const heardAt = attempt.last_heard_at?.getTime() ?? 0
  return heardAt >= passedAt && heardAt > (last?.receivedAt.getTime() ?? 0)
}

/** Messages of the journal that are compared at a time. */
const MESSAGES_PER_READ = 5000
const MAX_READS = 4

async function readMessages(
  database: RunnerContext['database'],
  after: { jobId: number; attempt: number; seq: number },
): Promise<JournalEvent[]> {
  const events: JournalEvent[] = []
  for (let read = 0; read < MAX_READS; read++) {
    const position = { ...after, seq: events.at(-1)?.seq ?? after.seq }
    const page = await readJournal(database, [position], { limit: MESSAGES_PER_READ, type: 'log' })
    events.push(...page)
    if (page.length < MESSAGES_PER_READ) break
  }
  return events
}

function toMessage({ seq, time, receivedAt, body, rejected }: JournalEvent): JournaledMessage[] {
  if (rejected !== null || typeof body.message !== 'string') return []
  const level = LogLevel.safeParse(body.level).data ?? 'info'
  return [{ seq, time: (time ?? receivedAt).getTime(), level, message: body.message }]
}

interface StoreOptions {
  ref: { jobId: number; attempt: number }
  from: AttemptRow
  to: Progress
  rows: { time: Date; level: LogLevel; source: OutputLine['source']; message: string }[]
}

/** False when nothing was added, or when another runner has collected the output. */
async function store(context: RunnerContext, { ref, from, to, rows }: StoreOptions): Promise<boolean> {
  return await context.database.transaction(async (trx) => {
    // Ids of lines are assigned under the job's lock, so that a live stream never skips one that commits late.
    await trx.selectFrom('jobs').select('id').where('id', '=', ref.jobId).forUpdate().execute()
    const quota = context.limits.maxLogLinesPerAttempt
    const moved = await trx
      .updateTable('attempts')
      .set({
        output_position: JSON.stringify(to.position),
        held_output: JSON.stringify(to.held),
        log_lines: sql<number>`log_lines + ${rows.length}`,
        dropped_lines: sql<number>`greatest(0, log_lines + ${rows.length} - ${quota}::bigint)`,
      })
      .where('job_id', '=', ref.jobId)
      .where('attempt', '=', ref.attempt)
      .where(sql<boolean>`output_position = ${JSON.stringify(from.output_position)}::jsonb`)
      .where(sql<boolean>`held_output = ${JSON.stringify(from.held_output)}::jsonb`)
      .returning('log_lines')
      .executeTakeFirst()
    if (moved === undefined) return false
    const room = Math.max(0, quota - (moved.log_lines - rows.length))
    const stored = rows.slice(0, room).map((row) => ({ ...row, job_id: ref.jobId, attempt: ref.attempt }))
    for (let at = 0; at < stored.length; at += 1000)
      await trx
        .insertInto('logs')
        .values(stored.slice(at, at + 1000))
        .execute()
    return rows.length > 0
  })
}

/** Stores the rest of the output after the process has ended. */
export async function collectRest(
  context: RunnerContext,
  job: Pick<JobRow, 'trace_id'>,
  attempt: AttemptRow,
): Promise<void> {
  let current = attempt
  for (;;) {
    const { position, held, more } = await collectOutput(context, job, current, { final: true })
    if (!more) return
    current = { ...current, output_position: position, held_output: held }
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
