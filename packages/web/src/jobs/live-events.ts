import type { JobState } from '@trainyard/contract'
import type { ChartPoint, ChartRun, ChartSeries } from './chart-groups.ts'

/* Shared by the server and the browser: no imports but types. */

/** Data of the charts, embedded in the job page for its scripts. */
export interface JobData {
  jobId: number
  live: boolean
  attempt: number
  /** Name of the primary metric. */
  primary: string
  series: ChartSeries[]
  /** Address of the script that holds the one live connection of a browser. */
  workerUrl: string
}

/**
 * The messages about a job. `/jobs/{id}/live` sends each as a server-sent event of that name; `/jobs/live?ids=` sends events named
 * `job` with `{ jobId, name, data }`.
 */
export interface LiveEvents {
  /** A region of the page, rendered again. */
  part: { id: string; html: string }
  /** All series; they replace what the charts show. */
  series: { attempt: number; series: ChartSeries[] }
  /** Points to append. */
  points: { points: { name: string; axis: 'epoch' | 'step'; point: ChartPoint }[] }
  /**
   * Log lines as list items. The browser skips ids that it already shows. `previousId` is the line before them; a browser
   * whose last line is an earlier one has missed lines. Undefined: they continue the lines that were sent before.
   */
  logs: { html: string; previousId?: number | undefined }
  /** The job changed its state; announced to screen readers. */
  state: { state: JobState; word: string; terminal: boolean }
  /** The stream is complete. */
  end: Record<string, never>
  /** Live updates are interrupted; the message is one sentence. */
  trouble: { message: string }
}

/** Data of the page that compares jobs, embedded for its script. */
export interface CompareData {
  /** Name of the primary metric of the first job. */
  primary: string
  runs: ChartRun[]
}
