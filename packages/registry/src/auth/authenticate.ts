import { clientAddress, isAddressedToLoopback, type RegistryTokenClaims, TrainyardError } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { ANONYMOUS, callerOfGrants, type RegistryCaller } from './caller.ts'
import { findCaller, findGrantor } from './find-caller.ts'

/**
 * The result of reading an `Authorization` header. `expired` is a grant that was valid until it expired; the token that it
 * was issued for is still valid, and may still do what the caller may.
 */
export type Authentication =
  | { outcome: 'accepted'; caller: RegistryCaller }
  | { outcome: 'expired'; detail: string; caller: RegistryCaller }
  | { outcome: 'refused'; detail: string }

const refused = (detail: string) => ({ outcome: 'refused' as const, detail })

export interface BasicCredentials {
  /** Only for counting wrong guesses: the token identifies its owner. */
  user: string
  password: string
}

export function basicCredentials(header: string): BasicCredentials | undefined {
  const match = /^basic\s+(.+)$/i.exec(header)
  if (!match?.[1]) return undefined
  const text = Buffer.from(match[1], 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/**
 * Counts a password that was no valid token, at `/token` and wherever Basic authentication is accepted.
 *
 * @throws TrainyardError `rate_limited`
 */
export async function countWrongPassword(
  { identity, authenticator }: Pick<RegistryContext, 'identity' | 'authenticator'>,
  request: Request,
  user: string,
): Promise<void> {
  const address = clientAddress(request, authenticator.config)
  await identity.countWrongGuess({ purpose: 'registry', address, name: user })
}

/**
 * Reads `Authorization`: Basic or Bearer with a `ty_` token, Bearer with a token issued by `/token`, or no header. With a
 * namespace, the caller is the one in that namespace only, which costs less.
 *
 * @throws TrainyardError `rate_limited`
 */
export async function authenticate(
  context: Pick<RegistryContext, 'identity' | 'tokens' | 'authenticator'>,
  request: Request,
  namespace?: string | undefined,
): Promise<Authentication> {
  const result = await readAuthorization(context, request, namespace)
  countRequest(context, request, result.outcome === 'refused' ? ANONYMOUS : result.caller)
  return result
}

/**
 * Counts a request by its account, or by its address when no credentials were accepted.
 *
 * @throws TrainyardError `rate_limited`
 */
export function countRequest(
  { authenticator }: Pick<RegistryContext, 'authenticator'>,
  request: Request,
  { subject }: RegistryCaller,
): void {
  authenticator.countRequest(request, subject === ANONYMOUS.subject ? undefined : subject)
}

/** The same, for a request that was counted when it began. */
export async function readAuthorization(
  context: Pick<RegistryContext, 'identity' | 'tokens' | 'authenticator'>,
  request: Request,
  namespace: string | undefined,
): Promise<Authentication> {
  const header = request.headers.get('authorization')
  if (!header) return authenticateAnonymous(context, request)
  const bearer = /^bearer\s+(.+)$/i.exec(header)?.[1]?.trim()
  const basic = basicCredentials(header)
  const secret = bearer ?? basic?.password
  if (secret === undefined) return refused('the Authorization scheme is not supported; expected "Basic" or "Bearer"')
  if (bearer === undefined || secret.startsWith('ty_')) {
    const caller = await findCaller(context, secret, namespace)
    if (!caller) {
      if (basic !== undefined) await countWrongPassword(context, request, basic.user)
      return refused('the token is unknown, has expired or was revoked; expected a token that starts with "ty_"')
    }
    return { outcome: 'accepted', caller }
  }
  try {
    const claims = await context.tokens.verify(secret)
    if (isAnonymous(claims)) return authenticateAnonymous(context, request, callerOfGrants(ANONYMOUS, claims.access))
    return await authenticateGrant(context, claims, namespace)
  } catch (error) {
    // The database does not answer: the token may be valid.
    if (!(error instanceof TrainyardError) || error.status >= 500) throw error
    if (error.code !== 'token_expired') return refused(error.message)
    const ended = await authenticateGrant(context, await context.tokens.readExpired(secret), namespace)
    return ended.outcome === 'accepted' ? { outcome: 'expired', detail: error.message, caller: ended.caller } : ended
  }
}

const isAnonymous = ({ subject, tokenId }: RegistryTokenClaims) =>
  subject === ANONYMOUS.subject && tokenId === undefined

/**
 * Everyone may read what is published. With `AUTH=local` that is everyone on this machine, and not a page whose DNS name was
 * rebound to it.
 */
function authenticateAnonymous(
  { authenticator }: Pick<RegistryContext, 'authenticator'>,
  request: Request,
  caller: RegistryCaller = ANONYMOUS,
): Authentication {
  if (authenticator.config.mode === 'required' || isAddressedToLoopback(request)) return { outcome: 'accepted', caller }
  return refused(
    'without a token, only requests to a loopback name such as "localhost" are accepted; set AUTH=required to serve other machines',
  )
}

async function authenticateGrant(
  context: Pick<RegistryContext, 'identity'>,
  claims: RegistryTokenClaims,
  namespace: string | undefined,
): Promise<Exclude<Authentication, { outcome: 'expired' }>> {
  if (isAnonymous(claims)) return { outcome: 'accepted', caller: callerOfGrants(ANONYMOUS, claims.access) }
  // Looked up on each use, so that a revoked token or permission takes effect before the grant expires.
  const grantor = claims.tokenId === undefined ? undefined : await findGrantor(context, claims.tokenId, namespace)
  if (!grantor) return refused('the token that this grant was issued for has expired or was revoked; log in again')
  return { outcome: 'accepted', caller: callerOfGrants(grantor, claims.access) }
}

/** For the JSON API. Throws `unauthenticated` or `token_expired` if the credentials are not accepted. */
export async function requireCaller(
  context: Pick<RegistryContext, 'identity' | 'tokens' | 'authenticator'>,
  request: Request,
): Promise<RegistryCaller> {
  const result = await authenticate(context, request)
  if (result.outcome === 'accepted') return result.caller
  throw new TrainyardError(result.outcome === 'expired' ? 'token_expired' : 'unauthenticated', result.detail)
}
