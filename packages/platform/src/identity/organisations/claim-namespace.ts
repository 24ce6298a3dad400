import { sql } from 'kysely'
import { newId } from '../../system/ids.ts'
import type { AnyExecutor } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'

/**
 * Makes a registry namespace that belongs to no organisation an organisation of the account that pushed to it, so that no
 * one else can take it. Runs in the transaction of the push. Returns whether it did.
 */
export async function claimNamespace(
  { schema }: Pick<IdentityStore, 'schema'>,
  executor: AnyExecutor,
  { slug, subject }: { slug: string; subject: string },
): Promise<boolean> {
  const id = newId('org')
  const { rows } = await sql`
    insert into ${sql.id(schema, 'organisations')} (id, slug, display_name) values (${id}, ${slug}, ${slug})
    on conflict (slug) do nothing returning id`.execute(executor)
  if (rows.length === 0) return false
  // A token without an account cannot be an owner: the namespace is reserved, and an operator can assign it.
  await sql`
    insert into ${sql.id(schema, 'memberships')} (organisation_id, account_id, role)
    select ${id}, id, 'owner' from ${sql.id(schema, 'accounts')} where id = ${subject}`.execute(executor)
  return true
}
