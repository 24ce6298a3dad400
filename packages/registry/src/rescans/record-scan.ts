import type { CheckResult, Finding, Trust } from '@trainyard/contract'
import { sql, type Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { queueEvent } from '../events/queue-event.ts'
import { refreshTrainer } from '../search/refresh-trainer.ts'
import { hasErrors, withResult } from '../versions/check-results.ts'
import { type RescanPolicy, trustOf } from '../versions/trust.ts'
import type { ClaimedScan } from './claim-scan.ts'

/** Findings in the event of a webhook. */
const MAX_TOLD = 20

/** Stores what a scan found, and notifies the owner of what is new. Does nothing if the lease is lost. */
export async function recordScan(context: RegistryContext, claimed: ClaimedScan, result: CheckResult): Promise<void> {
  const { scan, lease, check } = claimed
  await context.database.transaction(async (trx) => {
    // In the order of pushes and of the ends of checks.
    await trx.selectFrom('repositories').select('id').where('id', '=', check.repository_id).forUpdate().execute()
    const stored = await trx
      .selectFrom('part_scans')
      .innerJoin('version_parts', (join) =>
        join
          .onRef('version_parts.version_id', '=', 'part_scans.version_id')
          .onRef('version_parts.kind', '=', 'part_scans.kind'),
      )
      .innerJoin('checks', 'checks.id', 'version_parts.check_id')
      .select(['part_scans.accepted', 'part_scans.found_at', 'version_parts.trust', 'checks.results'])
      .where('part_scans.version_id', '=', scan.version_id)
      .where('part_scans.kind', '=', scan.kind)
      .where('part_scans.check_name', '=', scan.check_name)
      .where('part_scans.lease', '=', lease)
      .where('checks.id', '=', check.id)
      .forUpdate()
      .executeTakeFirst()
    if (stored === undefined) return
    const before = stored.results.find(({ name }) => name === scan.check_name)
    const earlier = (before?.findings ?? []).map(({ fingerprint }) => fingerprint)
    const accepted = stored.accepted ?? earlier
    const found = result.findings.filter(({ fingerprint }) => !accepted.includes(fingerprint))
    const isNew = found.filter(({ fingerprint }) => !earlier.includes(fingerprint))
    const results = withResult(stored.results, { ...before, ...result })
    const trust = trustAfter(context.config.rescanPolicy ?? 'warn', results, stored.trust, { found, scan })
    await trx
      .updateTable('checks')
      .set({ results: toJsonText(results) })
      .where('id', '=', check.id)
      .execute()
    await trx
      .updateTable('version_parts')
      .set({ trust: toJsonText(trust) })
      .where('version_id', '=', scan.version_id)
      .where('kind', '=', scan.kind)
      .execute()
    await endScan(trx, claimed, { accepted, found, foundAt: isNew.length > 0 ? sql<Date>`now()` : stored.found_at })
    await refreshTrainer(trx, context.config, check.repository_id)
    await announce(context, trx, claimed, { isNew, tiers: [stored.trust?.tier, trust?.tier] })
    await context.database.notify('checks', check.id, trx)
  })
}

async function endScan(
  trx: Transaction<RegistryDatabase>,
  { scan }: ClaimedScan,
  {
    accepted,
    found,
    foundAt,
  }: { accepted: string[]; found: Finding[]; foundAt: Date | null | ReturnType<typeof sql<Date>> },
): Promise<void> {
  await trx
    .updateTable('part_scans')
    .set({
      due: false,
      forced: false,
      tries: 0,
      lease: null,
      lease_until: null,
      scanned_at: sql`now()`,
      accepted: JSON.stringify(accepted),
      found: toJsonText(found),
      found_at: found.length === 0 ? null : foundAt,
    })
    .where('version_id', '=', scan.version_id)
    .where('kind', '=', scan.kind)
    .where('check_name', '=', scan.check_name)
    .execute()
}

/** The trust in a part of which more is known now. What it was published with is no reason to lower it. */
function trustAfter(
  policy: RescanPolicy,
  results: readonly CheckResult[],
  before: Trust | null,
  { found, scan }: { found: readonly Finding[]; scan: ClaimedScan['scan'] },
): Trust | null {
  const now = trustOf(results)
  if (!hasErrors(found)) return now
  if (policy === 'warn') return before
  const reason = `after it was published, it found: ${found.find(({ severity }) => severity === 'error')?.message ?? ''}`
  const skipped = [...now.skipped.filter(({ check }) => check !== scan.check_name), { check: scan.check_name, reason }]
  return { tier: policy === 'refuse' || now.tier === 'unchecked' ? 'unchecked' : 'checked_in_part', skipped }
}

/** Writes the audit row, and tells webhooks. */
async function announce(
  context: RegistryContext,
  trx: Transaction<RegistryDatabase>,
  { scan, check }: ClaimedScan,
  { isNew, tiers: [before, after] }: { isNew: readonly Finding[]; tiers: readonly (string | undefined)[] },
): Promise<void> {
  if (isNew.length === 0 && before === after) return
  const namespace = check.trainer.slice(0, check.trainer.indexOf('/'))
  const findings = isNew.slice(0, MAX_TOLD).map(({ code, severity, message }) => ({ code, severity, message }))
  const about = { checkId: check.id, digest: check.manifest_digest, kind: check.kind, check: scan.check_name }
  await context.identity.audit(trx, {
    actor: 'acceptance',
    organisation: namespace,
    action: 'version.rescan',
    subject: `${check.trainer}:${check.version}`,
    data: { ...about, findings, tier: after ?? null, tierBefore: before ?? null },
  })
  if (isNew.length === 0) return
  const { trainer, version } = check
  await queueEvent(context, trx, {
    namespace,
    type: 'version.finding',
    data: { trainer, version, ...about, findings, findingCount: isNew.length },
  })
}
