import type { RegistryContext } from '../context.ts'
import { type Caller, callerOfPerson, callerOfToken } from './caller.ts'

/** Who speaks with a `ty_` token or a session; undefined: unknown, revoked or expired. */
export async function findCaller(
  { identity }: Pick<RegistryContext, 'identity'>,
  secret: string,
): Promise<Caller | undefined> {
  const person = await identity.findCaller(secret)
  if (person === undefined) return undefined
  if (person.account === undefined) return callerOfToken({ owner: person.subject, scopes: person.scopes ?? [] })
  if (!person.account.operator) return callerOfPerson(person, () => true)
  const rows = await identity.database.db.selectFrom('organisations').select('slug').execute()
  const slugs = new Set(rows.map(({ slug }) => slug))
  return callerOfPerson(person, (namespace) => slugs.has(namespace))
}
