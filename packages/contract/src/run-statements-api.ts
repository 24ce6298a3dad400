import { z } from 'zod'
import { Digest, Operation } from './primitives.ts'

/** How a run ended. A run that was cancelled says nothing about the trainer. */
export const RunOutcome = z.enum(['succeeded', 'failed', 'cancelled'])
export type RunOutcome = z.infer<typeof RunOutcome>

/** What a runner states about one run of a trainer: the claims of a JWT that it signs with its own key (Ed25519). */
export const RunStatement = z.object({
  jti: z.string().min(1).max(200).describe('The same whenever the statement is sent'),
  sub: z.string().min(1).max(200).optional().describe('The account that submitted the job'),
  iat: z.number(),
  trainer: z.string().max(200),
  version: z.string().max(100),
  digest: Digest.describe('Of the manifest, of the bundle or of the image that ran'),
  operation: Operation,
  outcome: RunOutcome,
  seconds: z.number().nonnegative().max(1e9).describe('Time that the trainer ran, in its last attempt'),
})
export type RunStatement = z.infer<typeof RunStatement>

/** `POST /v1/runs`, by a runner */
export const ReportRunRequest = z
  .strictObject({ statement: z.string().max(8192).describe('A JWT whose claims are a RunStatement') })
  .meta({ id: 'ReportRunRequest' })
export type ReportRunRequest = z.infer<typeof ReportRunRequest>
