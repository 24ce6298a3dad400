import type { RunnerContext } from '../context.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { parseCursor } from './cursor.ts'
import type { LiveFeeds } from './feeds.ts'
import type { LiveSink, Viewer } from './viewer.ts'

export interface StreamJobOptions {
  /** What the browser sends when it comes back. */
  lastEventId?: string | undefined
  /** A comment is sent after this much silence. Default: 15,000. */
  heartbeatMs?: number
  /** A reader that takes nothing for this long is dropped; it may come back with its last id. Default: 30,000. */
  slowConsumerMs?: number
}

/** Bytes that may wait for a reader before it gets no more until it has caught up. */
export const LIVE_BUFFER_BYTES = 256 * 1024

/**
 * The server-sent events of a job. A reader that is slow costs one buffer: it gets no more until it has taken that, and then
 * a fresh snapshot; one that does not move at all is dropped.
 */
export async function streamJob(
  context: RunnerContext,
  feeds: LiveFeeds,
  jobId: number,
  { lastEventId, heartbeatMs = 15_000, slowConsumerMs = 30_000 }: StreamJobOptions = {},
): Promise<ReadableStream<Uint8Array>> {
  await getJobRow(context.database.db, jobId)
  const encoder = new TextEncoder()
  let viewer: Viewer | undefined
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const say = (text: string) => controller.enqueue(encoder.encode(text))
        say('retry: 2000\n\n')
        const sink: LiveSink = {
          write: ({ json, id }) => say(`${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`),
          bufferedBytes: () => LIVE_BUFFER_BYTES - (controller.desiredSize ?? 0),
          beat: () => say(': heartbeat\n\n'),
          end(reason) {
            if (reason === 'slow') context.logger.info({ jobId }, 'a slow reader of a live stream was dropped')
            if (reason !== 'over') say(`: closed: ${reason}\n\n`)
            controller.close()
          },
        }
        const cursor = lastEventId === undefined ? undefined : parseCursor(lastEventId)
        viewer = feeds.watch(jobId, {
          sink,
          cursor,
          heartbeatMs,
          slowConsumerMs,
          bufferBytes: LIVE_BUFFER_BYTES,
        })
      },
      pull: () => viewer?.drained(),
      cancel() {
        // The reader is gone: there is nothing to say or to close any more.
        viewer?.leave()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: LIVE_BUFFER_BYTES }),
  )
}
