import { type RawBuilder, sql } from 'kysely'
import type { RegistryContext } from '../context.ts'

/** A record or file that is gone may come back for this long before the mark is lost. */
const GRACE_DAYS = 14

/** SQL: whether a row of `namespace_proofs` counts. */
export const isProofValid = (): RawBuilder<boolean> =>
  sql<boolean>`verified_at is not null and (failing_since is null or failing_since > now() - make_interval(days => ${GRACE_DAYS}))`

/** What a namespace was found to own, the first proof first. */
export async function verifiedAs(
  { database }: Pick<RegistryContext, 'database'>,
  namespace: string,
): Promise<string[]> {
  const rows = await database.db
    .selectFrom('namespace_proofs')
    .select('subject')
    .where('namespace', '=', namespace)
    .where(isProofValid())
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ subject }) => subject)
}
