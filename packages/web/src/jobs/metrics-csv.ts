import type { JobId, MetricSeriesList } from '@trainyard/contract'
import type { WebContext } from '../context.ts'

/** Points of a series in the file. Longer series are a sample that keeps every spike. */
const POINTS = 100_000

/** The metrics of an attempt as CSV, one point a line, read page by page so that no job fills the memory. */
export async function* metricsCsv(
  context: WebContext,
  jobId: JobId,
  { name, attempt }: { name: string | undefined; attempt: number },
): AsyncGenerator<string> {
  yield 'metric,axis,step,value,time\r\n'
  let cursor: string | undefined
  do {
    const page: MetricSeriesList = await context.client.jobs.metrics(jobId, { name, attempt, points: POINTS, cursor })
    for (const series of page.series) {
      const head = `${csvText(series.name)},${series.axis}`
      yield series.points.map(({ step, value, time }) => `${head},${step},${value},${time}\r\n`).join('')
    }
    cursor = page.nextCursor
  } while (cursor !== undefined)
}

/** Quoted where needed. A leading apostrophe keeps spreadsheets from taking a trainer's name for a formula. */
function csvText(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
