import { EVENT_LIMITS, quoteNotFinite } from '@trainyard/contract'
import { type BodyLimits, fieldIssues, invalidRequest, parseJsonText, readJsonText } from '@trainyard/platform'
import type { z } from 'zod'
import { cleanText, mayNeedCleaning } from './clean-text.ts'

/** For reports of trainers. The most values has the confusion matrix of a thousand classes. */
const REPORT_BODY: BodyLimits = { ...EVENT_LIMITS, maxValues: 1_100_000 }
/**
 * For batches of events: one event that nests too deep is rejected and kept, and does not cost the batch. The journal checks
 * depth without recursion, in each event.
 */
export const EVENTS_BODY: BodyLimits = { ...REPORT_BODY, maxDepth: 100_000 }
/** For jobs: one can list the splits of 20,000 images. */
export const JOB_BODY: BodyLimits = { maxBodyBytes: 1024 ** 2, maxInflatedBytes: 8 * 1024 ** 2, maxValues: 50_000 }
/** For requests that hold a few fields. */
export const SMALL_BODY: BodyLimits = { maxBodyBytes: 256 * 1024 }

/** Reads a JSON body, with the characters replaced that PostgreSQL cannot store. */
export async function readCleanJsonBody(request: Request, limits: BodyLimits): Promise<unknown> {
  const text = await readJsonText(request, limits)
  const value = await parseJsonText(text)
  return mayNeedCleaning(text) ? cleanText(value) : value
}

/** Reads the JSON of a report that was written by hand: NaN and Infinity can be bare, as Python writes them. */
export async function readReportBody(request: Request): Promise<unknown> {
  const text = await readJsonText(request, REPORT_BODY)
  try {
    return await parseJsonText(text)
  } catch (error) {
    const quoted = quoteNotFinite(text)
    if (quoted === text) throw error
    return await parseJsonText(quoted)
  }
}

/** Parses a value with a schema. Throws `invalid_request` whose issues name the fields. */
export function parseBody<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw invalidRequest(fieldIssues(parsed.error, value))
  return parsed.data
}

/** Rejects content types that a page of another site can send without a CORS preflight. */
export function requireJson(request: Request): void {
  const type = request.headers.get('content-type') ?? ''
  if (/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type)) return
  throw invalidRequest([
    { path: 'header.content-type', detail: 'must be "application/json"', value: type.slice(0, 100) },
  ])
}
