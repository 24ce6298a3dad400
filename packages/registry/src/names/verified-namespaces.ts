import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'

/** A record or file that is gone may come back for this long before the mark is lost. */
const GRACE_DAYS = 14

/** SQL: whether a row of `namespace_proofs` counts. */
export const isProofValid = (): RawBuilder<boolean> =>
  sql<boolean>`verified_at is not null and (failing_since is null or failing_since > now() - make_interval(days => ${GRACE_DAYS}))`

/** What namespaces were found to own, the first proof first. A namespace without proofs is not in it. */
export async function verifiedAs(
  db: Kysely<RegistryDatabase> | Transaction<RegistryDatabase>,
  namespaces: readonly string[],
): Promise<Map<string, string[]>> {
  const rows = await db
    .selectFrom('namespace_proofs')
    .select(['namespace', 'subject'])
    .where('namespace', 'in', namespaces)
    .where(isProofValid())
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const found = new Map<string, string[]>()
  for (const { namespace, subject } of rows) found.set(namespace, [...(found.get(namespace) ?? []), subject])
  return found
}
