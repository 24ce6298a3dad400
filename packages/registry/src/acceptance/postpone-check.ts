import type { CheckResult } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { ClaimedCheck } from './claim-check.ts'

const FIRST_PAUSE_MS = 15_000
const LONGEST_PAUSE_MS = 15 * 60_000

/** How long a check waits after a fault of the platform: as long as it has existed, so that the pause doubles each time. */
function pauseAfterFault(ageMs: number): number {
  return Math.min(Math.max(ageMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
}

/** Ends this try because of a fault of the platform. The version stays in quarantine, and the try does not count. */
export async function postponeCheck(
  context: RegistryContext,
  check: ClaimedCheck,
  results: readonly CheckResult[],
): Promise<void> {
  const now = context.clock.now()
  const pauseMs = pauseAfterFault(now.getTime() - check.created_at.getTime())
  const retryAt = new Date(now.getTime() + pauseMs).toISOString()
  const explained = results.map((result) =>
    result.fault === 'platform' ? { ...result, retryAt, reason: `${result.reason}. ${explain(retryAt)}` } : result,
  )
  await context.database.db
    .updateTable('checks')
    .set({
      results: toJsonText(explained),
      lease_owner: null,
      // A check whose lease has expired is claimed again.
      lease_until: sql<Date>`now() + make_interval(secs => ${pauseMs / 1000})`,
      tries: sql`tries - 1`,
    })
    .where('id', '=', check.id)
    .where('lease_owner', '=', check.leaseOwner)
    .where('finished_at', 'is', null)
    .execute()
  context.logger.error({ check: check.id, retryAt, results: explained }, 'a check could not be run on this machine')
  await context.database.notify('checks', check.id)
}

function explain(retryAt: string): string {
  return `This is a fault of the platform and not of the trainer; the registry tries again at ${retryAt}`
}
