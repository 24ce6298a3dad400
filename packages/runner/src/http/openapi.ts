import { z } from '@hono/zod-openapi'
import { PROBLEM_MEDIA_TYPE, Problem } from '@trainyard/contract'

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
export const ArtifactParams = JobParams.extend({
  artifactId: z.string().regex(/^[\w-]{1,64}$/, 'must be the id of an artifact'),
})
export const Attempt = z.coerce.number().int().positive().max(1_000_000).optional()
/** A cursor that is a number. Clients only pass it back. */
export const NumberCursor = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional()
/** The `nextCursor` of the previous page, in base64url. */
export const Cursor = z
  .string()
  .max(8192)
  .regex(/^[\w-]*$/, 'must be the nextCursor of the previous page')
  .optional()
export const limitUpTo = (max: number, usual: number) => z.coerce.number().int().min(1).max(max).default(usual)
/** Text for a query. The API refuses NUL in every URL. */
export const queryText = (maxLength: number) => z.string().min(1).max(maxLength)

export const noSuchJob = { 404: problem('The job does not exist') }

/** Parts of the description of every route for trainers. */
export const trainerRoute = { tags: ['Trainers'], security: [{ jobToken: [] }] }
export const trainerProblems = {
  401: problem('The job token is missing, invalid or expired'),
  403: problem('The token was issued for another job'),
  409: problem('The attempt is closed or was superseded'),
}
