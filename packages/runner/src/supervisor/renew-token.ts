import type { RunnerContext } from '../context.ts'
import type { AttemptRow } from '../db/schema/attempts.ts'

/** Puts a fresh token into the file that the trainer reads, once half of the last one's life is over. */
export async function renewToken(context: RunnerContext, attempt: AttemptRow): Promise<void> {
  const { launcher, limits } = context
  if (launcher.renewToken === undefined || attempt.token_issued_at === null) return
  const now = context.clock.now()
  if (now.getTime() - attempt.token_issued_at.getTime() < (limits.tokenSeconds * 1000) / 2) return
  const ref = { jobId: attempt.job_id, attempt: attempt.attempt }
  const token = await context.tokens.issue({ ...ref, expiresInSeconds: limits.tokenSeconds })
  await launcher.renewToken(ref, token.value)
  // Afterwards: a runner that dies in between only does it once more.
  await context.database.db
    .updateTable('attempts')
    .set({ token_issued_at: now })
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .execute()
}
