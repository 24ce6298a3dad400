import { notFound, TrainyardError } from '@trainyard/platform'
import type { JobClaims, RunnerContext } from '../context.ts'
import type { AttemptRow, JobRow } from '../db/schema.ts'

/** The claims of the job token of a request; it must speak for this job. */
export async function authenticate(context: RunnerContext, request: Request, jobId: number): Promise<JobClaims> {
  const header = request.headers.get('authorization') ?? ''
  const [, token] = /^Bearer +([^\s]+) *$/i.exec(header) ?? []
  if (token === undefined)
    throw new TrainyardError('unauthenticated', 'This needs the job token: "Authorization: Bearer <CALLBACK_TOKEN>"')
  const claims = await context.tokens.verify(token)
  if (claims.jobId !== jobId)
    throw new TrainyardError('forbidden', `The token is for job ${claims.jobId}, the request for job ${jobId}`)
  return claims
}

/** The job and the attempt a token speaks for, as long as that attempt is the current one. */
export async function getCurrentAttempt(
  context: RunnerContext,
  claims: JobClaims,
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
  return new TrainyardError('attempt_superseded', `Attempt ${attempt} is over; attempt ${current} has taken its place`)
}

export function finished(attempt: number, reason: string | null): TrainyardError {
  return new TrainyardError('job_finished', `Attempt ${attempt} is closed${reason === null ? '' : `: ${reason}`}`)
}

/** The successor of a token that has lived half of its life. */
export async function successorOf(
  context: RunnerContext,
  claims: JobClaims,
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
