import type { RunnerContext } from '../context.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { parseCursor } from './cursor.ts'
import type { LiveFeeds } from './feeds.ts'
import type { LiveSink, Viewer, ViewerOptions } from './viewer.ts'

export interface StreamJobOptions {
  /** The header `Last-Event-ID` of a browser that reconnects. */
  lastEventId?: string | undefined
  /** Interval of comments that keep the connection open. Default: 15,000. */
  heartbeatMs?: number | undefined
  /** A reader that takes nothing for this long is disconnected. It can reconnect with its last id. Default: 30,000. */
  slowConsumerMs?: number | undefined
  /** See {@link ViewerOptions}. */
  watchAccess?: ViewerOptions['watchAccess']
}

/** Bytes that can wait for a reader. Beyond that it gets nothing until it has caught up. */
export const LIVE_BUFFER_BYTES = 256 * 1024

/**
 * The server-sent events of a job. A slow reader costs one buffer: it gets nothing until it has taken that, and then a new
 * snapshot. A reader that takes nothing at all is disconnected.
 */
export async function streamJob(
  context: RunnerContext,
  feeds: LiveFeeds,
  jobId: number,
  { lastEventId, heartbeatMs = 15_000, slowConsumerMs = 30_000, watchAccess }: StreamJobOptions = {},
): Promise<ReadableStream<Uint8Array>> {
  await getJobRow(context.database.db, jobId)
  const encoder = new TextEncoder()
  let viewer: Viewer | undefined
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string) => controller.enqueue(encoder.encode(text))
        send('retry: 2000\n\n')
        const sink: LiveSink = {
          write: ({ json, id }) => send(`${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`),
          bufferedBytes: () => LIVE_BUFFER_BYTES - (controller.desiredSize ?? 0),
          sendHeartbeat: () => send(': heartbeat\n\n'),
          end(reason) {
            if (reason === 'slow') context.logger.info({ jobId }, 'disconnected a slow reader of a live stream')
            if (reason !== 'over') send(`: closed: ${reason}\n\n`)
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
          watchAccess,
        })
      },
      pull: () => viewer?.drained(),
      cancel() {
        // The reader has closed the stream already.
        viewer?.leave()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: LIVE_BUFFER_BYTES }),
  )
}
