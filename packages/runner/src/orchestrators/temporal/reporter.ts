import { sql } from 'kysely'
import type { RunnerContext } from '../../context.ts'
import { isTerminalJobState } from '../../jobs/statuses.ts'
import type { Report } from './verbs.ts'

/** How long changes are collected. Batches of events change a job often; its workflow needs to know of few. */
const COLLECT_MS = 50
const RETRY_MS = 1000
const SIGNALS_AT_ONCE = 32

type Send = (
  jobId: number,
  name: 'reported',
  values: [Report],
  options: { isOver: boolean; priority: { priorityKey: number; fairnessKey: string } },
) => Promise<boolean>

/** Tells the workflows of jobs what this replica stored: new jobs, states, attempts and restarts. */
export class Reporter {
  readonly #context: RunnerContext
  readonly #send: Send
  /** Jobs that changed, and whether their workflow is told even if it knows. */
  readonly #changed = new Map<number, boolean>()
  /** What the workflows of jobs were told. */
  readonly #told = new Map<number, string>()
  #timer: NodeJS.Timeout | undefined
  #isBusy = false

  constructor(context: RunnerContext, send: Send) {
    this.#context = context
    this.#send = send
  }

  /** @param again tells the workflow even if it was told before */
  changed(jobId: number, { again = false } = {}): void {
    this.#changed.set(jobId, again || (this.#changed.get(jobId) ?? false))
    this.#schedule(COLLECT_MS)
  }

  #schedule(ms: number): void {
    if (this.#isBusy) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#flush()
    }, ms)
    this.#timer.unref()
  }

  async #flush(): Promise<void> {
    this.#isBusy = true
    const jobs = [...this.#changed].slice(0, SIGNALS_AT_ONCE)
    for (const [jobId] of jobs) this.#changed.delete(jobId)
    let isFailing = false
    try {
      isFailing = !(await this.#report(new Map(jobs)))
    } catch (error) {
      this.#context.logger.warn({ err: error }, 'changes of jobs could not be read; trying again')
      isFailing = true
    }
    if (isFailing) for (const [jobId, again] of jobs) if (!this.#changed.has(jobId)) this.#changed.set(jobId, again)
    this.#isBusy = false
    if (this.#changed.size > 0) this.#schedule(isFailing ? RETRY_MS : 0)
  }

  async #report(jobs: ReadonlyMap<number, boolean>): Promise<boolean> {
    const rows = await this.#context.database.db
      .selectFrom('jobs')
      .select(['id', 'state', 'attempt', 'priority', 'project_id'])
      .where('id', '=', sql<number>`any(${[...jobs.keys()]}::bigint[])`)
      .execute()
    const known = new Set(rows.map(({ id }) => id))
    for (const jobId of jobs.keys()) if (!known.has(jobId)) this.#told.delete(jobId)
    const sent = await Promise.all(
      rows.map(async ({ id, state, attempt, priority, project_id: fairnessKey }) => {
        const text = `${attempt} ${state}`
        if (jobs.get(id) !== true && this.#told.get(id) === text) return true
        const isOver = isTerminalJobState(state)
        const options = { isOver, priority: { priorityKey: priorityKeyOf(priority), fairnessKey } }
        if (!(await this.#send(id, 'reported', [{ attempt, state }], options))) return false
        if (isOver) this.#told.delete(id)
        else this.#told.set(id, text)
        return true
      }),
    )
    return !sent.includes(false)
  }
}

/** Temporal has five levels, the first of which is the most urgent. */
export function priorityKeyOf(priority: number): number {
  if (priority === 0) return 3
  if (priority > 0) return priority >= 50 ? 1 : 2
  return priority <= -50 ? 5 : 4
}
