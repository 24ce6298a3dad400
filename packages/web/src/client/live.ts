import type { LiveEvents } from '../jobs/live-events.ts'

export type LiveHandlers = { [Name in keyof LiveEvents]: (data: LiveEvents[Name]) => void } & {
  /** Whether the stream is open. */
  connected(open: boolean): void
}

/** Browsers open at most six connections to a server: a hidden tab closes its own after this time. */
const HIDDEN_MS = 60_000
/** Pause before a refused stream is opened again. */
const RETRY_MS = 3000

/** Follows a job. The browser reconnects automatically; each connection starts with a complete snapshot. */
export function followJob(jobId: number, handlers: LiveHandlers): void {
  let source: EventSource | undefined
  let ended = false
  let leaving: ReturnType<typeof setTimeout> | undefined

  function open(): void {
    const stream = new EventSource(`/jobs/${jobId}/live`)
    source = stream
    const on = <Name extends keyof LiveEvents>(name: Name, handle: (data: LiveEvents[Name]) => void) => {
      stream.addEventListener(name, (event: MessageEvent<string>) => {
        // Sent by our own server, from the same types.
        handle(JSON.parse(event.data) as LiveEvents[Name])
      })
    }
    on('part', handlers.part)
    on('series', handlers.series)
    on('points', handlers.points)
    on('logs', handlers.logs)
    on('state', handlers.state)
    on('trouble', handlers.trouble)
    on('end', (data) => {
      ended = true
      close()
      handlers.end(data)
    })
    stream.addEventListener('open', () => handlers.connected(true))
    stream.addEventListener('error', () => {
      handlers.connected(false)
      // After an answer other than 200, for example 503, the browser does not reconnect.
      if (stream.readyState === EventSource.CLOSED && source === stream) {
        close()
        setTimeout(() => {
          if (source === undefined && !ended && !document.hidden) open()
        }, RETRY_MS)
      }
    })
  }

  function close(): void {
    source?.close()
    source = undefined
  }

  document.addEventListener('visibilitychange', () => {
    clearTimeout(leaving)
    if (document.hidden) leaving = setTimeout(close, HIDDEN_MS)
    else if (source === undefined && !ended) open()
  })
  open()
}
