import { type Kysely, sql, type Transaction } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { isProofValid } from '../names/verified-namespaces.ts'

export interface PopularityInput {
  pulls: number
  /** Trust tier of the latest version; empty when it is unknown. */
  tier: string
  isVerified: boolean
  /** Mean of the reviews from 1 to 5, weighed down while there are few. Undefined without reviews. */
  rating: number | undefined
}

/** Ten points are ten times the pulls. Being verified, fully checked or well reviewed counts as a few times the pulls. */
export function popularityOf({ pulls, tier, isVerified, rating = 3 }: PopularityInput): number {
  const trust = (tier === 'checked' ? 3 : 0) + (isVerified ? VERIFIED : 0)
  return stepOf(pulls) + trust + Math.round((rating - 3) * 4)
}

const VERIFIED = 5

const stepOf = (pulls: number): number => Math.floor(10 * Math.log10(1 + pulls))

/** Follows a counter of pulls that has grown. Most pulls change nothing here. */
export async function raisePopularity(
  db: Kysely<RegistryDatabase> | Transaction<RegistryDatabase>,
  { repositoryId, before, pulls }: { repositoryId: number; before: number; pulls: number },
): Promise<void> {
  const steps = stepOf(pulls) - stepOf(before)
  if (steps === 0) return
  await db
    .updateTable('search_entries')
    .set({ popularity: sql`popularity + ${steps}`, changed: sql`pg_current_xact_id()` })
    .where('repository_id', '=', repositoryId)
    .execute()
}

/** Follows the proofs of a namespace, or of all: a proof can be found, removed, or end with time. */
export async function followProofs(
  db: Kysely<RegistryDatabase> | Transaction<RegistryDatabase>,
  namespace?: string,
): Promise<void> {
  const chosen =
    namespace === undefined
      ? sql`namespace in (select namespace from namespace_proofs)
          or id in (select repository_id from search_entries where is_verified)`
      : sql`namespace = ${namespace}`
  await sql`
    update search_entries entry set
      is_verified = trainer.is_verified,
      popularity = popularity + case when trainer.is_verified then ${VERIFIED}::int else -${VERIFIED}::int end,
      changed = pg_current_xact_id()
    from (
      select id, exists (
        select 1 from namespace_proofs proof where proof.namespace = repositories.namespace and ${isProofValid()}
      ) as is_verified
      from repositories where ${chosen}
    ) trainer
    where trainer.id = entry.repository_id and trainer.is_verified <> entry.is_verified
  `.execute(db)
}
