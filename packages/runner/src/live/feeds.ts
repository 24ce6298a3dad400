import type { RunnerContext } from '../context.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { toJob } from '../jobs/job-view.ts'
import { isTerminalJobState } from '../jobs/statuses.ts'
import type { LiveCursor } from './cursor.ts'
import { type Changes, readChanges } from './read-changes.ts'
import { readSnapshot } from './read-snapshot.ts'
import { type SharedStep, Viewer, type ViewerOptions } from './viewer.ts'

/** What is watched here. However many look at a job, it is read once; jobs that change at the same time are read together. */
export interface LiveFeeds {
  /** Shows a job to a reader until its end, or until `viewer.end()`. */
  watch(jobId: number, options: Omit<ViewerOptions, 'onRejoin' | 'onEnd'>): Viewer
  /** Ends all lines; readers come back to another replica. */
  stop(): void
}

interface Feed {
  jobId: number
  viewers: Set<Viewer>
  /** Those who wait for a snapshot, or for what they missed. */
  joining: Set<Viewer>
  /** How far it was read for those who are up to date. */
  cursor: LiveCursor | undefined
  /** Being read: all reads of one job come one after the other, so that nobody sees an older state after a newer one. */
  busy: boolean
  changed: boolean
  stopWatching: () => void
}

/** Changes are gathered for this long, so that many jobs are read with few queries. */
const GATHER_MS = 15
const JOBS_PER_READ = 500
/** Snapshots read at the same time. */
const MAX_JOINS = 4
/** A notification from another replica may get lost: so often everything is looked at. */
const LOOK_AGAIN_MS = 15_000

export function createLiveFeeds(context: Pick<RunnerContext, 'database' | 'hub' | 'logger' | 'telemetry'>): LiveFeeds {
  const feeds = new Map<number, Feed>()
  let timer: NodeJS.Timeout | undefined
  let reading = false
  let joins = 0
  const lookAgain = setInterval(() => {
    for (const feed of feeds.values()) feed.changed = true
    schedule()
  }, LOOK_AGAIN_MS)
  lookAgain.unref()

  const schedule = () => {
    timer ??= setTimeout(() => {
      timer = undefined
      startJoins()
      void readTogether()
    }, GATHER_MS)
  }

  const fail = (feed: Feed, error: unknown) => {
    context.logger.error({ err: error, jobId: feed.jobId }, 'a live stream failed')
    for (const viewer of [...feed.viewers, ...feed.joining]) viewer.end('failed')
  }

  const release = (feed: Feed) => {
    feed.busy = false
    if (feed.changed || feed.joining.size > 0) schedule()
  }

  const readTogether = async () => {
    if (reading) return
    const ready = [...feeds.values()].filter((feed) => feed.changed && !feed.busy && feed.cursor !== undefined)
    const taken = ready.slice(0, JOBS_PER_READ)
    if (taken.length === 0) return
    reading = true
    const since = new Map<number, LiveCursor>()
    for (const feed of taken) {
      feed.busy = true
      feed.changed = false
      if (feed.cursor !== undefined) since.set(feed.jobId, feed.cursor)
    }
    try {
      const found = await readChanges(context, since)
      for (const feed of taken) {
        const at = found.get(feed.jobId)
        if (at === undefined) for (const viewer of [...feed.viewers, ...feed.joining]) viewer.end('gone')
        else if (at.changes === undefined) for (const viewer of [...feed.viewers]) rejoin(feed, viewer)
        else {
          feed.cursor = at.changes.to
          const step = stepOf(at.job, at.changes)
          for (const viewer of [...feed.viewers]) viewer.show(step)
        }
      }
    } catch (error) {
      for (const feed of taken) fail(feed, error)
    } finally {
      reading = false
      for (const feed of taken) release(feed)
      if (ready.length > taken.length) schedule()
    }
  }

  const startJoins = () => {
    for (const feed of feeds.values()) {
      if (joins >= MAX_JOINS) return
      if (feed.busy || feed.joining.size === 0) continue
      feed.busy = true
      joins++
      void join(feed)
        .catch((error: unknown) => fail(feed, error))
        .finally(() => {
          joins--
          release(feed)
          schedule()
        })
    }
  }

  /** All who wait for a snapshot get the same one; whoever comes back gets what it missed. */
  const join = async (feed: Feed) => {
    const joining = [...feed.joining]
    const job = await findJob(feed.jobId)
    if (job === undefined) {
      for (const viewer of joining) viewer.end('gone')
      return
    }
    const anew: Viewer[] = []
    for (const viewer of joining) {
      const { cursor } = viewer
      const at = cursor && (await readChanges(context, new Map([[feed.jobId, cursor]]))).get(feed.jobId)
      if (at?.changes === undefined) anew.push(viewer)
      else enter(feed, viewer, at.changes.to, () => viewer.show(stepOf(at.job, at.changes)))
    }
    if (anew.length === 0) return
    const snapshot = await readSnapshot(context, job)
    const step = stepOf(job, undefined)
    for (const viewer of anew) enter(feed, viewer, snapshot.cursor, () => viewer.showSnapshot(snapshot, step))
  }

  const findJob = async (jobId: number): Promise<JobRow | undefined> =>
    await context.database.db.selectFrom('jobs').selectAll().where('id', '=', jobId).executeTakeFirst()

  const enter = (feed: Feed, viewer: Viewer, cursor: LiveCursor, show: () => void) => {
    feed.joining.delete(viewer)
    if (viewer.isOver) return
    // Those who are here already may be a little behind: each leaves out what it has seen.
    if (feed.viewers.size === 0 || feed.cursor === undefined) feed.cursor = cursor
    feed.viewers.add(viewer)
    feed.changed = true
    show()
  }

  const rejoin = (feed: Feed, viewer: Viewer) => {
    viewer.forget()
    feed.viewers.delete(viewer)
    feed.joining.add(viewer)
    if (feed.viewers.size === 0) feed.cursor = undefined
    schedule()
  }

  const open = (jobId: number): Feed => {
    const feed: Feed = {
      jobId,
      viewers: new Set(),
      joining: new Set(),
      cursor: undefined,
      busy: false,
      changed: false,
      stopWatching: context.hub.watch(jobId, () => {
        feed.changed = true
        schedule()
      }),
    }
    feeds.set(jobId, feed)
    return feed
  }

  return {
    watch(jobId, options) {
      const feed = feeds.get(jobId) ?? open(jobId)
      const viewer = new Viewer({
        ...options,
        onRejoin: (one) => rejoin(feed, one),
        onEnd(one) {
          context.telemetry.liveViewers.dec()
          feed.viewers.delete(one)
          feed.joining.delete(one)
          if (feed.viewers.size + feed.joining.size > 0 || feeds.get(jobId) !== feed) return
          feeds.delete(jobId)
          feed.stopWatching()
        },
      })
      context.telemetry.liveViewers.inc()
      feed.joining.add(viewer)
      if (!feed.busy) startJoins()
      return viewer
    },
    stop() {
      clearInterval(lookAgain)
      clearTimeout(timer)
      for (const feed of feeds.values()) for (const viewer of [...feed.viewers, ...feed.joining]) viewer.end('stopping')
    },
  }
}

function stepOf(job: JobRow, changes: Changes | undefined): SharedStep {
  const view = toJob(job)
  return {
    changes,
    // What was heard last changes with every heartbeat, and is no news.
    comparable: JSON.stringify({ ...view, lastHeardAt: undefined }),
    jobMessage: { type: 'job', job: view },
    isLast: isTerminalJobState(job.state),
    encoded: new Map(),
  }
}
