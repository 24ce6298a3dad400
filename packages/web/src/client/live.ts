import type { LiveEvents } from '../jobs/chart-groups.ts'

export type LiveHandlers = { [Name in keyof LiveEvents]: (data: LiveEvents[Name]) => void } & {
  /** Whether the stream is open. */
  connected(open: boolean): void
}

/** Follows a job. The browser connects again by itself after a loss; each connection begins with everything. */
export function followJob(jobId: number, handlers: LiveHandlers): void {
  const source = new EventSource(`/jobs/${jobId}/live`)
  const on = <Name extends keyof LiveEvents>(name: Name, handle: (data: LiveEvents[Name]) => void) => {
    source.addEventListener(name, (event: MessageEvent<string>) => {
      // Our own server wrote it, from the same types.
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
    source.close()
    handlers.end(data)
  })
  source.addEventListener('open', () => handlers.connected(true))
  source.addEventListener('error', () => handlers.connected(false))
}
