import { sql } from 'kysely'
import { newId } from '../system/ids.ts'
import type { AnyExecutor } from './audit.ts'
import type { Identity } from './open-identity.ts'

/**
 * Keeps a namespace of the registry from being taken by others: somebody who may push anywhere has pushed to one that is no
 * organisation yet, and becomes its owner. In the transaction of the push.
 */
export async function claimNamespace(
  { schema }: Identity,
  executor: AnyExecutor,
  { slug, subject }: { slug: string; subject: string },
): Promise<void> {
  const id = newId('org')
  const { rows } = await sql`
    insert into ${sql.id(schema, 'organisations')} (id, slug, display_name) values (${id}, ${slug}, ${slug})
    on conflict (slug) do nothing returning id`.execute(executor)
  if (rows.length === 0) return
  // Tokens without an account own nothing: the namespace is kept, and is an operator's to give away.
  await sql`
    insert into ${sql.id(schema, 'memberships')} (organisation_id, account_id, role)
    select ${id}, id, 'owner' from ${sql.id(schema, 'accounts')} where id = ${subject}`.execute(executor)
}
