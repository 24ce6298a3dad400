import { TrainyardApiError, TrainyardClientError, TrainyardUnreachableError } from '../errors.ts'
import type { Connect, Connection } from './connection.ts'
import { send } from './request.ts'
import { parseEventStream, type ServerSentEvent } from './server-sent-events.ts'
import { sleep } from './sleep.ts'

export interface FollowOptions<T> {
  path: string
  signal?: AbortSignal | undefined
  /** Resume after the event with this id. */
  lastEventId?: string | undefined
  /** Undefined skips the message: this version does not know it. */
  parse(event: ServerSentEvent): T | undefined
  /** The stream ends after this message. */
  isLast(message: T): boolean
  /** After this message the server may close the stream without an error. Default: `isLast`. */
  mayEnd?(message: T): boolean
  /** Give up after this many failed connections in a row. Default 10, which takes about 90 seconds. */
  maxFailures?: number | undefined
  /** First pause before reconnecting, in ms; doubles up to 15 s. Default 500, or the server's `retry`. */
  retryMs?: number | undefined
  /** Reconnect after this much silence, in ms. Servers send a comment every few seconds. Default 90,000. */
  idleMs?: number | undefined
}

/** Follows a live stream to its end. After a lost connection it resumes from the last event. */
export async function* follow<T>(connect: Connect, options: FollowOptions<T>): AsyncGenerator<T> {
  const { signal, maxFailures = 10, idleMs = 90_000 } = options
  const connection = connect()
  let lastEventId = options.lastEventId
  let retryMs = options.retryMs ?? 500
  let failures = 0
  let mayEnd = false
  while (!signal?.aborted) {
    const idle = watchIdle(idleMs)
    try {
      const response = await openStream(connection, {
        path: options.path,
        lastEventId,
        signal: signal ? AbortSignal.any([signal, idle.signal]) : idle.signal,
      })
      idle.touch()
      // 204 means that no more events will come.
      if (response.status === 204 || response.body === null) return
      for await (const event of parseEventStream(response.body, {
        onRetry: (milliseconds) => {
          retryMs = milliseconds
        },
        onBytes: idle.touch,
      })) {
        failures = 0
        if (event.id !== undefined) lastEventId = event.id
        const message = options.parse(event)
        if (message === undefined) continue
        mayEnd = (options.mayEnd ?? options.isLast)(message)
        yield message
        if (options.isLast(message)) return
      }
      if (mayEnd) return
      failures += 1
      if (failures >= maxFailures)
        throw new TrainyardClientError(
          'stream_lost',
          `${connection.baseUrl}${options.path} closed the stream ${failures} times in a row`,
        )
    } catch (error) {
      if (signal?.aborted) return
      if (isFinal(error)) throw error
      failures += 1
      if (failures >= maxFailures) throw error
    } finally {
      idle.stop()
    }
    const pause = Math.min(retryMs * 2 ** Math.max(0, failures - 1), 15_000)
    await sleep(pause * (0.75 + Math.random() / 2), signal)
  }
}

function openStream(
  connection: Connection,
  { path, lastEventId, signal }: { path: string; lastEventId: string | undefined; signal: AbortSignal },
): Promise<Response> {
  const headers: Record<string, string> = { accept: 'text/event-stream', 'cache-control': 'no-cache' }
  if (lastEventId !== undefined) headers['last-event-id'] = lastEventId
  return send(connection, { path, headers, signal })
}

/** Whether a new connection would fail in the same way. */
function isFinal(error: unknown): boolean {
  if (error instanceof TrainyardApiError) return !error.problem.retryable
  return error instanceof TrainyardClientError && !(error instanceof TrainyardUnreachableError)
}

function watchIdle(idleMs: number) {
  const controller = new AbortController()
  const expire = () => controller.abort(new Error(`received nothing for ${idleMs / 1000} s`))
  let timer = setTimeout(expire, idleMs)
  return {
    signal: controller.signal,
    touch() {
      clearTimeout(timer)
      timer = setTimeout(expire, idleMs)
    },
    stop: () => clearTimeout(timer),
  }
}
