import type { CheckResult } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { ClaimedCheck } from './claim-check.ts'

const FIRST_PAUSE_MS = 15_000
const LONGEST_PAUSE_MS = 15 * 60_000

/** How long a check waits after an error: as long as it has been in the queue, so that the pause doubles each time. */
function pauseAfterFault(ageMs: number): number {
  return Math.min(Math.max(ageMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
}

/**
 * Ends this try because a check errored, and tries again after a pause. The version stays in quarantine. After a fault of
 * the platform, the try does not count.
 */
export async function postponeCheck(
  context: RegistryContext,
  check: ClaimedCheck,
  results: readonly CheckResult[],
): Promise<void> {
  const now = context.clock.now()
  const pauseMs = pauseAfterFault(now.getTime() - check.queued_at.getTime())
  const retryAt = new Date(now.getTime() + pauseMs).toISOString()
  const explained = results.map((result) =>
    result.status === 'errored' && result.enforced !== false
      ? { ...result, retryAt, reason: `${result.reason}. ${explain(result, retryAt)}` }
      : result,
  )
  const isFaultOfPlatform = results.some(({ fault }) => fault === 'platform')
  await context.database.db
    .updateTable('checks')
    .set({
      results: toJsonText(explained),
      lease_owner: null,
      // A check whose lease has expired is claimed again.
      lease_until: sql<Date>`now() + make_interval(secs => ${pauseMs / 1000})`,
      tries: isFaultOfPlatform ? sql`tries - 1` : sql`tries`,
    })
    .where('id', '=', check.id)
    .where('lease_owner', '=', check.leaseOwner)
    .where('finished_at', 'is', null)
    .execute()
  if (isFaultOfPlatform)
    context.logger.error({ check: check.id, retryAt, results: explained }, 'a check could not be run on this machine')
  else context.logger.warn({ check: check.id, retryAt, tries: check.tries }, 'a check errored and is tried again')
  await context.database.notify('checks', check.id)
}

function explain({ fault }: CheckResult, retryAt: string): string {
  if (fault !== 'platform') return `The registry tries again at ${retryAt}`
  return `This is a fault of the platform and not of the trainer; the registry tries again at ${retryAt}`
}
