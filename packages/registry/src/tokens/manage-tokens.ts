import { TrainyardError } from '@trainyard/platform'
import { type ApiToken, type CreatedToken, type CreateTokenRequest, TokenScope } from '@trainyard/sdk/contract'
import { type Caller, scopesAllow } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'

const DAY_MS = 24 * 3600 * 1000

/** Makes a token of the caller's own; it can do no more than the caller's. The secret is shown this once. */
export async function createToken(
  context: RegistryContext,
  caller: Caller,
  request: CreateTokenRequest,
): Promise<CreatedToken> {
  requireToken(caller)
  const beyond = request.scopes.filter((scope) => !covers(caller.scopes, scope))
  if (beyond.length > 0) {
    throw new TrainyardError(
      'forbidden',
      `A token gives away only what it has: ${caller.scopes.join(', ')}; asked was ${beyond.join(', ')}`,
    )
  }
  const createdAt = context.clock.now()
  const expiresAt =
    request.expiresInDays === undefined ? undefined : new Date(createdAt.getTime() + request.expiresInDays * DAY_MS)
  const { id, secret } = await context.identity.createToken({
    owner: caller.subject,
    name: request.name,
    scopes: request.scopes,
    ...(expiresAt ? { expiresAt } : {}),
  })
  await context.identity.audit(context.database.db, {
    actor: caller.subject,
    action: 'token.create',
    subject: id,
    data: { name: request.name, scopes: request.scopes },
  })
  return {
    id,
    secret,
    name: request.name,
    scopes: request.scopes,
    createdAt: createdAt.toISOString(),
    ...(expiresAt ? { expiresAt: expiresAt.toISOString() } : {}),
  }
}

/** The caller's tokens, without their secrets. */
export async function listTokens(context: RegistryContext, caller: Caller): Promise<ApiToken[]> {
  requireToken(caller)
  const tokens = await context.identity.listTokens(caller.subject)
  return tokens.map(({ id, name, scopes, createdAt, expiresAt, lastUsedAt }) => ({
    id,
    name,
    scopes: scopes.filter((scope) => TokenScope.safeParse(scope).success),
    createdAt: createdAt.toISOString(),
    ...(expiresAt ? { expiresAt: expiresAt.toISOString() } : {}),
    ...(lastUsedAt ? { lastUsedAt: lastUsedAt.toISOString() } : {}),
  }))
}

/** Ends one of the caller's tokens at once. */
export async function revokeToken(context: RegistryContext, caller: Caller, id: string): Promise<void> {
  requireToken(caller)
  await context.identity.revokeToken(id, caller.subject)
  await context.identity.audit(context.database.db, {
    actor: caller.subject,
    action: 'token.revoke',
    subject: id,
    data: {},
  })
}

function requireToken(caller: Caller): void {
  if (caller.credentials === 'token') return
  throw new TrainyardError('unauthenticated', 'Tokens are managed with a token that begins with "ty_"')
}

function covers(held: readonly string[], scope: string): boolean {
  const [verb = '', namespace = ''] = scope.split(':')
  if (verb === 'admin') return held.includes('admin:*') || held.includes(scope)
  return scopesAllow(held, verb === 'push' ? 'push' : 'inspect', namespace)
}
