import { DatabaseUnavailable } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { toJob } from '../jobs/job-view.ts'
import { isTerminalJobState } from '../jobs/statuses.ts'
import type { LiveCursor } from './cursor.ts'
import { Feed } from './feed.ts'
import { type JobChanges, readChanges } from './read-changes.ts'
import { readSnapshot } from './read-snapshot.ts'
import { type SharedUpdate, Viewer, type ViewerOptions } from './viewer.ts'

/** Changes are collected for this long, so that many jobs are read with few queries. */
const COLLECT_MS = 15
const JOBS_PER_READ = 500
/** Snapshots that are read at the same time. */
const MAX_JOINS = 4
/** A notification from another replica can get lost, so all feeds are read at this interval. */
const READ_ALL_MS = 15_000
/** Pause before jobs are read again after the database did not answer. */
const RETRY_MS = 1000

/**
 * The jobs that are watched in this process. A job is read once for all its viewers, and jobs that change at the same time are
 * read together.
 */
export class LiveFeeds {
  readonly #context: Pick<RunnerContext, 'database' | 'hub' | 'logger' | 'telemetry'>
  readonly #feeds = new Map<number, Feed>()
  readonly #readAllTimer: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #isReading = false
  #joins = 0
  /** While the database does not answer, nothing is read before this time. */
  #retryAt = 0

  constructor(context: Pick<RunnerContext, 'database' | 'hub' | 'logger' | 'telemetry'>) {
    this.#context = context
    this.#readAllTimer = setInterval(() => {
      for (const feed of this.#feeds.values()) feed.changed = true
      this.#schedule()
    }, READ_ALL_MS)
    this.#readAllTimer.unref()
  }

  /** Shows a job to a reader until the job ends, or until `viewer.end()`. */
  watch(jobId: number, options: Omit<ViewerOptions, 'onRejoin' | 'onEnd'>): Viewer {
    const feed = this.#feeds.get(jobId) ?? this.#open(jobId)
    const { liveViewers } = this.#context.telemetry
    const viewer = new Viewer({
      ...options,
      onRejoin: (ended) => this.#rejoin(feed, ended),
      onEnd: (ended) => {
        liveViewers.dec()
        feed.viewers.delete(ended)
        feed.joining.delete(ended)
        if (feed.isEmpty && this.#feeds.get(jobId) === feed) this.#close(feed)
      },
    })
    liveViewers.inc()
    feed.joining.add(viewer)
    if (!feed.busy) this.#startJoins()
    return viewer
  }

  /** Ends all streams. Their readers reconnect to another replica. */
  stop(): void {
    clearInterval(this.#readAllTimer)
    clearTimeout(this.#timer)
    for (const feed of this.#feeds.values()) feed.endAll('stopping')
  }

  #open(jobId: number): Feed {
    const feed = new Feed(jobId)
    feed.stopWatching = this.#context.hub.watch(jobId, () => {
      feed.changed = true
      this.#schedule()
    })
    this.#feeds.set(jobId, feed)
    return feed
  }

  #close(feed: Feed): void {
    this.#feeds.delete(feed.jobId)
    feed.stopWatching()
  }

  #schedule(): void {
    const delayMs = Math.max(COLLECT_MS, this.#retryAt - performance.now())
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#startJoins()
      void this.#readChanged()
    }, delayMs)
  }

  /** Reads the changes of all changed jobs and shows them to the viewers that are up to date. */
  async #readChanged(): Promise<void> {
    if (this.#isReading) return
    const ready = [...this.#feeds.values()].filter((feed) => feed.changed && !feed.busy && feed.cursor !== undefined)
    const taken = ready.slice(0, JOBS_PER_READ)
    if (taken.length === 0) return
    this.#isReading = true
    const since = new Map<number, LiveCursor>()
    for (const feed of taken) {
      feed.busy = true
      feed.changed = false
      if (feed.cursor !== undefined) since.set(feed.jobId, feed.cursor)
    }
    try {
      const found = await readChanges(this.#context, since)
      for (const feed of taken) {
        const read = found.get(feed.jobId)
        if (read === undefined) feed.endAll('gone')
        else if (read.changes === undefined) for (const viewer of [...feed.viewers]) this.#rejoin(feed, viewer)
        else {
          feed.cursor = read.changes.to
          const update = updateOf(read.job, read)
          for (const viewer of [...feed.viewers]) viewer.show(update)
        }
      }
    } catch (error) {
      for (const feed of taken) this.#fail(feed, error)
    } finally {
      this.#isReading = false
      for (const feed of taken) this.#release(feed)
      if (ready.length > taken.length) this.#schedule()
    }
  }

  #startJoins(): void {
    for (const feed of this.#feeds.values()) {
      if (this.#joins >= MAX_JOINS) return
      if (feed.busy || feed.joining.size === 0) continue
      feed.busy = true
      this.#joins++
      void this.#join(feed)
        .catch((error: unknown) => this.#fail(feed, error))
        .finally(() => {
          this.#joins--
          this.#release(feed)
          this.#schedule()
        })
    }
  }

  /** Shows the same snapshot to all new viewers, and to returning viewers what they missed. */
  async #join(feed: Feed): Promise<void> {
    const joining = [...feed.joining]
    const job = await this.#findJob(feed.jobId)
    if (job === undefined) {
      for (const viewer of joining) viewer.end('gone')
      return
    }
    const newcomers: Viewer[] = []
    for (const viewer of joining) {
      const { cursor } = viewer
      const read = cursor && (await readChanges(this.#context, new Map([[feed.jobId, cursor]]))).get(feed.jobId)
      if (read?.changes === undefined) newcomers.push(viewer)
      else this.#enter(feed, viewer, read.changes.to, () => viewer.show(updateOf(read.job, read)))
    }
    if (newcomers.length === 0) return
    const snapshot = await readSnapshot(this.#context, job)
    const update = updateOf(job, { changes: undefined, droppedLogs: snapshot.droppedLogs })
    for (const viewer of newcomers)
      this.#enter(feed, viewer, snapshot.cursor, () => viewer.showSnapshot(snapshot, update))
  }

  async #findJob(jobId: number): Promise<JobRow | undefined> {
    return await this.#context.database.db.selectFrom('jobs').selectAll().where('id', '=', jobId).executeTakeFirst()
  }

  #enter(feed: Feed, viewer: Viewer, cursor: LiveCursor, show: () => void): void {
    feed.joining.delete(viewer)
    if (viewer.isOver) return
    // Other viewers may be behind. Each viewer skips what it has seen.
    if (feed.viewers.size === 0 || feed.cursor === undefined) feed.cursor = cursor
    feed.viewers.add(viewer)
    feed.changed = true
    show()
  }

  #rejoin(feed: Feed, viewer: Viewer): void {
    viewer.reset()
    feed.viewers.delete(viewer)
    feed.joining.add(viewer)
    if (feed.viewers.size === 0) feed.cursor = undefined
    this.#schedule()
  }

  #fail(feed: Feed, error: unknown): void {
    if (error instanceof DatabaseUnavailable) {
      // The streams stay open, and continue where they are when the database answers again.
      feed.changed = true
      this.#retryAt = performance.now() + RETRY_MS
      return
    }
    this.#context.logger.error({ err: error, jobId: feed.jobId }, 'a live stream failed')
    feed.endAll('failed')
  }

  #release(feed: Feed): void {
    feed.busy = false
    if (feed.changed || feed.joining.size > 0) this.#schedule()
  }
}

function updateOf(job: JobRow, { changes, droppedLogs }: Pick<JobChanges, 'changes' | 'droppedLogs'>): SharedUpdate {
  const view = toJob(job)
  return {
    changes,
    droppedLogs,
    // `lastHeardAt` changes with every heartbeat and is not worth a message.
    comparable: JSON.stringify({ ...view, lastHeardAt: undefined }),
    jobMessage: { type: 'job', job: view },
    isLast: isTerminalJobState(job.state),
    encoded: new Map(),
  }
}
