import type { RunnerContext } from '../context.ts'
import type { AttemptRow } from '../db/schema/attempts.ts'

/** Writes a new token to the trainer's token file, after half of the lifetime of the current one. */
export async function renewToken(context: RunnerContext, attempt: AttemptRow): Promise<void> {
  const { launcher, limits } = context
  if (launcher.renewToken === undefined || attempt.token_issued_at === null) return
  const now = context.clock.now()
  if (now.getTime() - attempt.token_issued_at.getTime() < (limits.tokenSeconds * 1000) / 2) return
  const ref = { jobId: attempt.job_id, attempt: attempt.attempt }
  const token = await context.tokens.issue({ ...ref, expiresInSeconds: limits.tokenSeconds })
  await launcher.renewToken(ref, token.value)
  // Recorded last: if the runner dies in between, the token is renewed once more.
  await context.database.db
    .updateTable('attempts')
    .set({ token_issued_at: now })
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .execute()
}
