import type { LogLevel } from '@trainyard/contract'
import type { RunnerContext } from '../context.ts'
import type { AttemptRef } from '../launchers/launcher.ts'

type LogContext = Pick<RunnerContext, 'database' | 'clock' | 'hub'>

/** Writes lines of the platform to the log of a job. */
export async function writePlatformLines(
  context: LogContext,
  { jobId, attempt }: AttemptRef,
  lines: readonly string[],
  level: LogLevel,
): Promise<void> {
  if (lines.length === 0) return
  await context.database.transaction(async (trx) => {
    // Ids of lines are assigned under the job's lock, so that a live stream never skips one that commits late.
    await trx.selectFrom('jobs').select('id').where('id', '=', jobId).forUpdate().execute()
    const time = context.clock.now()
    await trx
      .insertInto('logs')
      .values(lines.map((message) => ({ job_id: jobId, attempt, time, level, source: 'platform' as const, message })))
      .execute()
  })
  context.hub.changed(jobId)
}

/** A build that prints more than this is cut. */
const MAX_LINES = 2000
const PAUSE_MS = 300

/** Lines that arrive one by one, written a few times a second. */
export class PlatformLog {
  readonly #context: LogContext
  readonly #ref: AttemptRef
  #waiting: string[] = []
  #count = 0
  #timer: NodeJS.Timeout | undefined
  #written: Promise<void> = Promise.resolve()

  constructor(context: LogContext, ref: AttemptRef) {
    this.#context = context
    this.#ref = ref
  }

  add(line: string): void {
    // PostgreSQL stores no NUL.
    const text = line.replaceAll('\0', '').trimEnd()
    if (text === '' || this.#count++ >= MAX_LINES) return
    this.#waiting.push(text)
    this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), PAUSE_MS)
  }

  /** Writes everything that was added. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lines = this.#waiting
    this.#waiting = []
    this.#written = this.#written
      .catch(() => {})
      .then(() => writePlatformLines(this.#context, this.#ref, lines, 'info'))
    await this.#written
  }
}
