import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { WebContext } from '../context.ts'
import { PushChecks } from './push-page.tsx'

/** Interval of comments on a silent stream, so that proxies and phones keep it open. */
const HEARTBEAT_MS = 15_000

/** Sends the checks of a push, as HTML, each time they change. */
export function streamPush(c: Context, context: WebContext, id: string): Response {
  // Otherwise nginx buffers events.
  c.header('X-Accel-Buffering', 'no')
  c.header('Cache-Control', 'no-cache, no-transform')
  return streamSSE(c, async (stream) => {
    const abort = new AbortController()
    stream.onAbort(() => abort.abort())
    const heartbeat = setInterval(() => void stream.write(': heartbeat\n\n'), HEARTBEAT_MS)
    try {
      for await (const check of context.client.checks.live(id, { signal: abort.signal }))
        await stream.writeSSE({ event: 'checks', data: String(<PushChecks check={check} />) })
      if (!abort.signal.aborted) await stream.writeSSE({ event: 'end', data: '{}' })
    } catch (error) {
      if (!abort.signal.aborted) context.logger.error({ err: error, check: id }, 'A live stream was interrupted')
    } finally {
      clearInterval(heartbeat)
    }
  })
}
