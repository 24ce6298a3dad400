import type { LiveMessage } from '@trainyard/sdk/contract'
import type { RunnerContext } from '../context.ts'
import type { JobRow } from '../db/schema.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { toJob } from '../jobs/job-view.ts'
import { isTerminalJobState } from '../jobs/statuses.ts'
import { formatCursor, type LiveCursor, parseCursor } from './cursor.ts'
import { type Changes, readChanges, readSnapshot } from './read-changes.ts'

export interface StreamJobOptions {
  /** What the browser sends when it comes back. */
  lastEventId?: string
  /** A comment is sent after this much silence. Default: 15,000. */
  heartbeatMs?: number
  /** A reader that takes nothing for this long is dropped; it may come back with its last id. Default: 30,000. */
  slowConsumerMs?: number
}

/** Bytes that may wait for a reader before nothing more is read from the database for it. */
const BUFFER_BYTES = 256 * 1024

/**
 * The server-sent events of a job. Each message is read from the database when the reader has room for it, so a slow
 * reader costs one buffer and sees fewer, larger steps.
 */
export async function streamJob(
  context: RunnerContext,
  jobId: number,
  { lastEventId, heartbeatMs = 15_000, slowConsumerMs = 30_000 }: StreamJobOptions = {},
): Promise<ReadableStream<Uint8Array>> {
  await getJobRow(context.database.db, jobId)
  const signal = new Signal()
  const stopWatching = context.hub.watch(jobId, () => signal.raise())
  const encoder = new TextEncoder()
  const room = new Signal()
  let over = false
  const end = () => {
    over = true
    stopWatching()
    signal.raise()
    room.raise()
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const write = async (text: string): Promise<void> => {
          while (!over && (controller.desiredSize ?? 0) <= 0) {
            if (!(await room.wait(slowConsumerMs))) throw new SlowConsumer()
          }
          if (!over) controller.enqueue(encoder.encode(text))
        }
        follow(context, jobId, { lastEventId, heartbeatMs, signal, write, isOver: () => over })
          .catch((error: unknown) => {
            if (error instanceof SlowConsumer)
              context.logger.info({ jobId }, 'a slow reader of a live stream was dropped')
            else context.logger.error({ err: error, jobId }, 'a live stream failed')
          })
          .finally(() => {
            const wasOver = over
            end()
            if (!wasOver) controller.close()
          })
      },
      pull: () => room.raise(),
      cancel: end,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BUFFER_BYTES }),
  )
}

interface Following {
  lastEventId: string | undefined
  heartbeatMs: number
  signal: Signal
  write(text: string): Promise<void>
  isOver(): boolean
}

async function follow(context: RunnerContext, jobId: number, stream: Following): Promise<void> {
  let cursor = stream.lastEventId === undefined ? undefined : parseCursor(stream.lastEventId)
  let shownJob = ''
  await stream.write('retry: 2000\n\n')
  while (!stream.isOver()) {
    const job = await context.database.db.selectFrom('jobs').selectAll().where('id', '=', jobId).executeTakeFirst()
    if (job === undefined) return
    const changes = await nextChanges(context, job, cursor)
    cursor = changes.cursor
    // What was heard last changes with every heartbeat, and is no news.
    const view = toJob(job)
    const comparable = JSON.stringify({ ...view, lastHeardAt: undefined })
    const messages = [...changes.messages]
    if (comparable !== shownJob && (messages[0]?.type !== 'snapshot' || isTerminalJobState(job.state)))
      messages.push({ type: 'job', job: view })
    shownJob = comparable
    for (const [index, message] of messages.entries()) {
      // Only the last one carries the new id: whoever is cut off between them gets all of them again.
      await stream.write(encode(message, index === messages.length - 1 ? cursor : undefined))
    }
    if (isTerminalJobState(job.state)) return
    if (!(await stream.signal.wait(stream.heartbeatMs))) await stream.write(': heartbeat\n\n')
  }
}

async function nextChanges(context: RunnerContext, job: JobRow, cursor: LiveCursor | undefined): Promise<Changes> {
  const changes = cursor === undefined ? undefined : await readChanges(context, job, cursor)
  return changes ?? (await readSnapshot(context, job))
}

function encode(message: LiveMessage, cursor: LiveCursor | undefined): string {
  const id = cursor === undefined ? '' : `id: ${formatCursor(cursor)}\n`
  return `${id}data: ${JSON.stringify(message)}\n\n`
}

class SlowConsumer extends Error {}

/** Remembers one raise until somebody waits for it. */
class Signal {
  #raised = false
  #waiter: (() => void) | undefined

  raise(): void {
    this.#raised = true
    this.#waiter?.()
  }

  /** True when it was raised, false when the time ran out. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#raised) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        timer.unref()
        this.#waiter = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#waiter = undefined
    }
    const raised = this.#raised
    this.#raised = false
    return raised
  }
}
