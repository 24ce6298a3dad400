import type { Caller as Person } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { type Caller, callerOfPerson, callerOfToken } from './caller.ts'

/** Who speaks with a `ty_` token or a session; undefined: unknown, revoked or expired. */
export async function findCaller(
  { identity }: Pick<RegistryContext, 'identity'>,
  secret: string,
): Promise<Caller | undefined> {
  const person = await identity.findCaller(secret)
  return person && (await toCaller(identity, person))
}

/** Who has the token that a grant was given for, and what they may now; undefined: it has been revoked, or is over. */
export async function findGrantor(
  { identity }: Pick<RegistryContext, 'identity'>,
  tokenId: string,
): Promise<Caller | undefined> {
  const person = await identity.findCallerOfToken(tokenId)
  return person && (await toCaller(identity, person))
}

async function toCaller(identity: RegistryContext['identity'], person: Person): Promise<Caller> {
  const { account, subject, scopes = [], tokenId } = person
  if (account === undefined) return callerOfToken({ owner: subject, scopes, tokenId })
  if (!account.operator) return callerOfPerson(person, () => true)
  const rows = await identity.database.db.selectFrom('organisations').select('slug').execute()
  const slugs = new Set(rows.map(({ slug }) => slug))
  return callerOfPerson(person, (namespace) => slugs.has(namespace))
}
