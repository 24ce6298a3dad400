import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'

/** Results of scanners that were not used for this long are found again when they are needed. */
const UNUSED_DAYS = 90
/** In one pass. */
const BATCH = 1000

/** Removes lists of packages of manifests that are gone, and results of layers that are gone or were not used for long. */
export async function pruneResults({ database, clock }: RegistryContext): Promise<number> {
  const oldest = new Date(clock.now().getTime() - UNUSED_DAYS * 86_400_000)
  const lists = await sql`
    delete from sboms s where ctid = any(array(
      select l.ctid from sboms l where not exists (
        select 1 from manifests m where m.repository_id = l.repository_id and m.digest = l.manifest_digest)
      limit ${BATCH}))
  `.execute(database.db)
  const results = await sql`
    delete from layer_results where ctid = any(array(
      select r.ctid from layer_results r
      where r.used_at < ${oldest} or not exists (select 1 from blobs b where b.digest = r.layer_digest)
      limit ${BATCH}))
  `.execute(database.db)
  return Number(lists.numAffectedRows ?? 0n) + Number(results.numAffectedRows ?? 0n)
}
