import { z } from 'zod'
import { TrainyardError } from '../errors.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { type SignedToken, signToken, verifyToken } from './sign-token.ts'
import type { SigningKeys } from './signing-keys.ts'

const JOB_AUDIENCE = 'trainyard:job'
/** The contract's limit: 6 hours. */
const MAX_TOKEN_SECONDS = 6 * 3600

export interface JobTokensOptions {
  /** From `loadSigningKeys(database)` or `secretKeys(JWT_SECRET)`. */
  keys: SigningKeys
  clock?: Clock
}

export interface JobTokenClaims {
  jobId: number
  attempt: number
  issuedAt: Date
  expiresAt: Date
}

export interface JobTokens {
  /** `expiresInSeconds`: 6 hours by default and at most. */
  issue(claims: { jobId: number; attempt: number; expiresInSeconds?: number | undefined }): Promise<SignedToken>
  /** @throws TrainyardError `unauthenticated` or `token_expired` */
  verify(token: string): Promise<JobTokenClaims>
}

const Payload = z.object({
  sub: z
    .string()
    .regex(/^job:[1-9]\d{0,15}$/)
    .transform((subject) => Number(subject.slice('job:'.length))),
  attempt: z.number().int().positive(),
  iat: z.number(),
  exp: z.number(),
})

/** The tokens that authenticate a trainer for one attempt of one job. */
export function createJobTokens({ keys, clock = systemClock }: JobTokensOptions): JobTokens {
  return {
    async issue({ jobId, attempt, expiresInSeconds = MAX_TOKEN_SECONDS }) {
      if (expiresInSeconds > MAX_TOKEN_SECONDS) {
        throw new RangeError(
          `A job token is valid for at most ${MAX_TOKEN_SECONDS} seconds; expiresInSeconds is ${expiresInSeconds}`,
        )
      }
      const subject = `job:${jobId}`
      return await signToken(keys, { audience: JOB_AUDIENCE, subject, claims: { attempt }, expiresInSeconds, clock })
    },
    async verify(token) {
      const payload = Payload.safeParse(await verifyToken(token, { keys, audience: JOB_AUDIENCE, clock }))
      if (!payload.success) throw new TrainyardError('unauthenticated', 'This is not the token of a job')
      const { sub, attempt, iat, exp } = payload.data
      return { jobId: sub, attempt, issuedAt: new Date(iat * 1000), expiresAt: new Date(exp * 1000) }
    },
  }
}
