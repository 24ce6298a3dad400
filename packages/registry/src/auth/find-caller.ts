import type { Caller } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { callerOfAccount, callerOfToken, type RegistryCaller } from './caller.ts'

/** The caller of a `ty_` token or a session; undefined if it is unknown, revoked or expired. */
export async function findCaller(
  { identity }: Pick<RegistryContext, 'identity'>,
  secret: string,
): Promise<RegistryCaller | undefined> {
  const caller = await identity.findCaller(secret)
  return caller && (await toRegistryCaller(identity, caller))
}

/**
 * The caller of the token that a grant was issued for, with its current permissions; undefined if the token was revoked or
 * has expired.
 */
export async function findGrantor(
  { identity }: Pick<RegistryContext, 'identity'>,
  tokenId: string,
): Promise<RegistryCaller | undefined> {
  const caller = await identity.findCallerOfToken(tokenId)
  return caller && (await toRegistryCaller(identity, caller))
}

async function toRegistryCaller(identity: RegistryContext['identity'], caller: Caller): Promise<RegistryCaller> {
  const { account, subject, scopes = [], tokenId } = caller
  if (account === undefined) return callerOfToken({ owner: subject, scopes, tokenId })
  if (!account.operator) return callerOfAccount(caller, () => true)
  const rows = await identity.database.db.selectFrom('organisations').select('slug').execute()
  const slugs = new Set(rows.map(({ slug }) => slug))
  return callerOfAccount(caller, (namespace) => slugs.has(namespace))
}
