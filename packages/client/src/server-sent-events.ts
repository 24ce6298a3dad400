import { TrainyardApiError, TrainyardClientError, TrainyardUnreachableError } from './errors.ts'
import { type Connect, send } from './http.ts'

export interface ServerSentEvent {
  /** The last id seen so far; resumes with `Last-Event-ID`. */
  id: string | undefined
  event: string
  data: string
}

/** Cuts a byte stream into events, as the WHATWG HTML standard describes in "Interpreting an event stream". */
export async function* parseEventStream(
  body: ReadableStream<Uint8Array>,
  hooks: { onRetry?: (milliseconds: number) => void; onBytes?: () => void } = {},
): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let id: string | undefined
  let event = ''
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      hooks.onBytes?.()
      text += decoder.decode(value, { stream: true })
      // A CR at the very end may be the first half of CRLF: it waits for the next chunk.
      const lines = text.split(/\r\n|\n|\r(?!$)/)
      text = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') }
          event = ''
          data = []
          continue
        }
        const colon = line.indexOf(':')
        const field = colon === -1 ? line : line.slice(0, colon)
        const content = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
        if (field === 'data') data.push(content)
        else if (field === 'event') event = content
        else if (field === 'id' && !content.includes('\0')) id = content
        else if (field === 'retry' && /^\d+$/.test(content)) hooks.onRetry?.(Number(content))
      }
    }
  } finally {
    // Also closes the connection when the consumer leaves its loop early.
    await reader.cancel().catch(() => undefined)
  }
}

export interface FollowOptions<T> {
  path: string
  signal?: AbortSignal | undefined
  /** Where to go on: the id of an event that was seen before. */
  lastEventId?: string | undefined
  /** Undefined for messages this version does not know: they are skipped. */
  parse(event: ServerSentEvent): T | undefined
  /** After this message the stream is over. */
  isLast(message: T): boolean
  /** After this message the server may close the stream, and that is not a loss to be repaired. Default: `isLast`. */
  mayEnd?(message: T): boolean
  /** Failed connections in a row before giving up. Default 10: about a minute and a half. */
  maxFailures?: number
  /** First pause before connecting again, in ms; doubles up to 15 s. Default 500, or what the server asks for. */
  retryMs?: number
  /** Silence after which a connection is taken for dead, in ms: servers send a comment every few seconds. Default 90,000. */
  idleMs?: number
}

/** Follows a live stream to its end: connects again after a loss, from the last event that was seen. */
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
      const response = await send(connection, {
        path: options.path,
        headers: {
          accept: 'text/event-stream',
          'cache-control': 'no-cache',
          ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
        },
        signal: signal ? AbortSignal.any([signal, idle.signal]) : idle.signal,
      })
      idle.touch()
      // 204 is how a server says that there is nothing more to come.
      if (response.status === 204 || response.body === null) return
      for await (const event of parseEventStream(response.body, {
        onRetry: (asked) => {
          retryMs = asked
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
          `${connection.baseUrl}${options.path} ends its stream again and again`,
        )
    } catch (error) {
      if (signal?.aborted) return
      if (error instanceof TrainyardApiError && !error.problem.retryable) throw error
      if (
        error instanceof TrainyardClientError &&
        !(error instanceof TrainyardApiError || error instanceof TrainyardUnreachableError)
      )
        throw error
      failures += 1
      if (failures >= maxFailures) throw error
    } finally {
      idle.stop()
    }
    const pause = Math.min(retryMs * 2 ** Math.max(0, failures - 1), 15_000)
    await sleep(pause * (0.75 + Math.random() / 2), signal)
  }
}

function watchIdle(idleMs: number) {
  const controller = new AbortController()
  const expire = () => controller.abort(new Error(`nothing was heard for ${idleMs / 1000} s`))
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

/** Returns at once when the signal is aborted. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, milliseconds)
    signal?.addEventListener('abort', finish)
  })
}
