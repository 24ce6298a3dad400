import { RescannedCheck, type RescanStatus, type StartRescanRequest } from '@trainyard/contract'
import { sql } from 'kysely'
import { type RegistryCaller, requireModerator } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { DEFAULT_RESCANS_PER_HOUR } from './claim-scan.ts'
import { currentScanner } from './current-scanner.ts'
import { queueAll } from './queue-scans.ts'
import { RESCAN_QUEUE } from './rescanner.ts'

const WHAT = 'have published versions scanned again'

/** How far the published versions were scanned again, for operators. */
export async function getRescans(context: RegistryContext, caller: RegistryCaller): Promise<RescanStatus> {
  requireModerator(caller, WHAT)
  const { rows } = await sql<{
    check_name: string
    waiting: number
    last_hour: number
    last_at: Date | null
    found: number
  }>`
    select check_name, count(*) filter (where due)::int as waiting,
      count(*) filter (where scanned_at > now() - interval '1 hour')::int as last_hour,
      max(scanned_at) as last_at, count(*) filter (where found_at is not null)::int as found
    from part_scans group by check_name
  `.execute(context.database.db)
  const scanners = await Promise.all(
    RescannedCheck.options.map(async (check) => {
      const row = rows.find(({ check_name }) => check_name === check)
      return {
        check,
        ...(await currentScanner(context, check)),
        waiting: row?.waiting ?? 0,
        lastHour: row?.last_hour ?? 0,
        lastAt: row?.last_at?.toISOString(),
        found: row?.found ?? 0,
      }
    }),
  )
  return { scanners, perHour: context.config.rescansPerHour ?? DEFAULT_RESCANS_PER_HOUR }
}

/** Queues every published version, also those that the scanner has scanned with the same database. */
export async function startRescan(
  context: RegistryContext,
  { caller, address }: { caller: RegistryCaller; address: string },
  { check }: StartRescanRequest,
): Promise<RescanStatus> {
  requireModerator(caller, WHAT)
  const checks = check === undefined ? RescannedCheck.options : [check]
  await context.database.transaction(async (trx) => {
    for (const one of checks) await queueAll(trx, one, { forced: true })
    await context.identity.audit(trx, {
      ...caller.actor,
      address,
      action: 'rescan.start',
      subject: checks.join(','),
      data: {},
    })
    await context.database.notify(RESCAN_QUEUE, '', trx)
  })
  return await getRescans(context, caller)
}
