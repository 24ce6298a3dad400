import type { RunnerContext } from '../context.ts'
import { countUsage } from './count-usage.ts'
import { meterAttempts } from './meter-attempts.ts'
import { meterStorage } from './meter-storage.ts'
import { meterTransfers } from './meter-transfers.ts'

/** One round of counting what is used. Several replicas can run it at the same time. */
export async function meterUsage(context: RunnerContext): Promise<void> {
  const { database, clock } = context
  for (const meter of [meterAttempts, meterStorage, meterTransfers])
    countUsage(context, await database.transaction((trx) => meter(trx, { now: clock.now() })))
}
