import type { Caller } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { callerOfAccount, callerOfToken, type RegistryCaller } from './caller.ts'

/**
 * The caller of a `ty_` token or a session; undefined if it is unknown, revoked or expired. With a namespace, it is the caller
 * in that namespace only.
 */
export async function findCaller(
  { identity }: Pick<RegistryContext, 'identity'>,
  secret: string,
  namespace?: string | undefined,
): Promise<RegistryCaller | undefined> {
  return await readCaller(identity, () => identity.findCaller(secret), namespace)
}

/**
 * The caller of the token that a grant was issued for, with its current permissions; undefined if the token was revoked or
 * has expired.
 */
export async function findGrantor(
  { identity }: Pick<RegistryContext, 'identity'>,
  tokenId: string,
  namespace?: string | undefined,
): Promise<RegistryCaller | undefined> {
  return await readCaller(identity, () => identity.findCallerOfToken(tokenId), namespace)
}

async function readCaller(
  identity: RegistryContext['identity'],
  read: () => Promise<Caller | undefined>,
  namespace: string | undefined,
): Promise<RegistryCaller | undefined> {
  const caller = await read()
  if (caller === undefined) return undefined
  const { account, subject, scopes = [], tokenId, expiresAt } = caller
  if (account === undefined) return callerOfToken({ owner: subject, scopes, tokenId, expiresAt })
  // Only an operator who is not a member needs to know which namespaces are organisations.
  const isMember = caller.memberships.some(({ organisation }) => organisation === namespace)
  if (!account.operator || isMember) return callerOfAccount(caller, () => true)
  const rows = await identity.database.db.selectFrom('organisations').select('slug').execute()
  const slugs = new Set(rows.map(({ slug }) => slug))
  // Docker sends several layers at once. Another of its requests may have claimed the namespace after this one read the
  // memberships: memberships that are read after the organisations include it.
  const current = namespace === undefined || slugs.has(namespace) ? await read() : caller
  return current && callerOfAccount(current, (namespace) => slugs.has(namespace))
}
