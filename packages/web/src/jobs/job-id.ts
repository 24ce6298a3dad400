import { JobId } from '@trainyard/contract'
import type { Context } from 'hono'

/** Undefined for a path that names no job. */
export function parseJobId(c: Context): JobId | undefined {
  const text = c.req.param('id') ?? ''
  const parsed = JobId.safeParse(/^[1-9]\d*$/.test(text) ? Number(text) : undefined)
  return parsed.success ? parsed.data : undefined
}

/** Only for routes that are not reached without the number of a job. */
export function getJobId(c: Context): JobId {
  return JobId.parse(parseJobId(c))
}
