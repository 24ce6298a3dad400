import { type JobTokenClaims, notFound, TrainyardError } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import type { AttemptRow } from '../db/schema/attempts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { JobParams } from '../http/openapi.ts'
import { parseBody } from '../http/read-body.ts'

/**
 * Verifies the job token of a request. It must have been issued for the job `id`.
 *
 * @throws TrainyardError `unauthenticated` without a valid token, `forbidden` with the token of another job
 */
export async function authenticateTrainer(
  context: RunnerContext,
  request: Request,
  id: number | string,
): Promise<JobTokenClaims> {
  const { id: jobId } = parseBody(JobParams, { id })
  const header = request.headers.get('authorization') ?? ''
  const [, token] = /^Bearer +([^\s]+) *$/i.exec(header) ?? []
  if (token === undefined)
    throw new TrainyardError('unauthenticated', 'Requires a job token: "Authorization: Bearer <CALLBACK_TOKEN>"')
  const claims = await context.tokens.verify(token)
  if (claims.jobId !== jobId)
    throw new TrainyardError('forbidden', `The token is for job ${claims.jobId}, the request is for job ${jobId}`)
  return claims
}

/** The job and the attempt of a token. Throws when that attempt is not the current one, or with `open` when it is closed. */
export async function getCurrentAttempt(
  context: RunnerContext,
  claims: JobTokenClaims,
  options: { open: boolean },
): Promise<{ job: JobRow; attempt: AttemptRow }> {
  const { db } = context.database
  const job = await db.selectFrom('jobs').selectAll().where('id', '=', claims.jobId).executeTakeFirst()
  if (job === undefined) throw notFound('job', claims.jobId)
  if (job.attempt > claims.attempt) throw superseded(claims.attempt, job.attempt)
  const attempt = await db
    .selectFrom('attempts')
    .selectAll()
    .where('job_id', '=', claims.jobId)
    .where('attempt', '=', claims.attempt)
    .executeTakeFirst()
  if (attempt === undefined) throw notFound('attempt', claims.attempt)
  if (options.open && attempt.closed_at !== null) throw finished(claims.attempt, attempt.end_reason)
  return { job, attempt }
}

export function superseded(attempt: number, current: number): TrainyardError {
  return new TrainyardError('attempt_superseded', `Attempt ${attempt} was superseded by attempt ${current}`)
}

export function finished(attempt: number, reason: string | null): TrainyardError {
  return new TrainyardError('job_finished', `Attempt ${attempt} is closed${reason === null ? '' : `: ${reason}`}`)
}

/** A new token, once half of the lifetime of the current one has passed. */
export async function successorOf(
  context: RunnerContext,
  claims: JobTokenClaims,
): Promise<{ value: string; expiresAt: string } | undefined> {
  const halfMs = (claims.issuedAt.getTime() + claims.expiresAt.getTime()) / 2
  if (context.clock.now().getTime() < halfMs) return undefined
  const token = await context.tokens.issue({
    jobId: claims.jobId,
    attempt: claims.attempt,
    expiresInSeconds: context.limits.tokenSeconds,
  })
  return { value: token.value, expiresAt: token.expiresAt.toISOString() }
}
