import { z } from '@hono/zod-openapi'
import { PROBLEM_MEDIA_TYPE, Problem } from '@trainyard/contract'

/** Pieces of route descriptions. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})
export const problem = (description: string) => ({
  description,
  content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } },
})
export const JobParams = z.object({
  id: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).describe('Number of the job'),
})
/** A cursor that is a number inside; people only hand it back. */
export const NumberCursor = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional()
/** The `nextCursor` of the page before: base64url, as it was handed out. */
export const Cursor = z
  .string()
  .max(8192)
  .regex(/^[\w-]*$/, 'must be the nextCursor of the page before')
  .optional()
export const limitUpTo = (max: number, usual: number) => z.coerce.number().int().min(1).max(max).default(usual)
/** Text of a query that goes to PostgreSQL, which knows no NUL. */
export const queryText = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .refine((text) => !text.includes('\u0000'), 'must not hold a NUL character')
