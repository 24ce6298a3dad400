import type { LiveCursor } from './cursor.ts'
import type { StreamEnd, Viewer } from './viewer.ts'

/** One watched job and its viewers. */
export class Feed {
  readonly jobId: number
  readonly viewers = new Set<Viewer>()
  /** Viewers that wait for a snapshot, or for the changes that they missed. */
  readonly joining = new Set<Viewer>()
  /** Up to where the job was read for the viewers that are up to date. */
  cursor: LiveCursor | undefined
  /** Whether the job is being read. Reads of one job are sequential, so that no viewer sees an older state after a newer one. */
  busy = false
  changed = false
  /** Ends the subscription to notifications. */
  stopWatching = () => {}

  constructor(jobId: number) {
    this.jobId = jobId
  }

  get isEmpty(): boolean {
    return this.viewers.size + this.joining.size === 0
  }

  endAll(reason: StreamEnd): void {
    for (const viewer of [...this.viewers, ...this.joining]) viewer.end(reason)
  }
}
