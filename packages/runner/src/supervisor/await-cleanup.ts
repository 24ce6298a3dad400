import { setTimeout as sleep } from 'node:timers/promises'
import type { RunnerContext } from '../context.ts'
import type { AttemptRef } from '../launchers/launcher.ts'

/** Waits until all ended attempts are cleaned up. Returns those that are not when the time is up. */
export async function awaitCleanup(context: RunnerContext, timeoutMs: number): Promise<AttemptRef[]> {
  const endsAt = performance.now() + timeoutMs
  for (;;) {
    const left = await uncleaned(context)
    const remaining = endsAt - performance.now()
    if (left.length === 0 || remaining <= 0) return left
    await sleep(Math.min(50, remaining))
  }
}

async function uncleaned({ database, launcher }: RunnerContext): Promise<AttemptRef[]> {
  return await database.db
    .selectFrom('attempts')
    .select(['job_id as jobId', 'attempt'])
    .where('host', '=', launcher.host)
    .where('launched_at', 'is not', null)
    .where('closed_at', 'is not', null)
    .where('cleaned_at', 'is', null)
    .execute()
}
