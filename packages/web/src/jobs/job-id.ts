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

/** Numbers of jobs: each text is one, or several with commas. What is no number is left out. */
export function parseIds(texts: readonly string[] = []): JobId[] {
  const numbers = texts.flatMap((text) => text.split(',')).filter((text) => /^[1-9]\d{0,15}$/.test(text.trim()))
  return [...new Set(numbers.map(Number))].flatMap((id) => {
    const parsed = JobId.safeParse(id)
    return parsed.success ? [parsed.data] : []
  })
}
