import { SESSION_COOKIE } from '@trainyard/contract'
import { TrainyardError } from '../../errors.ts'
import type { RequestHead } from '../api/authenticator.ts'
import type { AuthConfig } from '../config/auth-config.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller } from '../permissions/caller.ts'
import { findCaller } from './find-caller.ts'
import { isAddressedToLoopback, isCrossSite } from './request-origin.ts'

export interface AuthenticateOptions {
  identity: IdentityStore
  auth: AuthConfig
  /** The origin under which browsers reach the server. */
  publicUrl: string
  /** The caller that an external issuer's JWT authenticates; undefined when it is not valid. */
  verifyExternalToken: (jwt: string) => Promise<Caller | undefined>
}

/**
 * Accepts a bearer token or a browser's session. With `AUTH=local` only the local owner has them, in a file and by a link.
 *
 * @throws TrainyardError `unauthenticated`, or `forbidden` for a request made by a page of another site
 */
export async function authenticateRequest(options: AuthenticateOptions, request: RequestHead): Promise<Caller> {
  const { mode } = options.auth
  const authorization = request.headers.get('authorization')
  if (authorization !== null) return await authenticateBearer(options, authorization)
  const secret = sessionSecretOf(request.headers)
  if (mode === 'required' && secret === undefined)
    throw new TrainyardError('unauthenticated', WITHOUT_CREDENTIALS.required)
  if (mode === 'local' && !isAddressedToLoopback(request))
    throw new TrainyardError(
      'unauthenticated',
      'Without a token, only requests to a loopback name such as "localhost" are accepted; set AUTH=required to serve other machines',
    )
  // A browser sends the cookie, and reaches this machine, for a page of any site.
  if (isCrossSite(request, options.publicUrl))
    throw new TrainyardError(
      'forbidden',
      'The request was made by a page of another site; send a token if this is intended',
    )
  if (secret === undefined) throw new TrainyardError('unauthenticated', WITHOUT_CREDENTIALS.local)
  const caller = await findCaller(options.identity, { secret })
  if (caller !== undefined) return caller
  throw new TrainyardError('unauthenticated', 'The session is unknown, expired or ended; sign in again')
}

const WITHOUT_CREDENTIALS = {
  local:
    'This server belongs to the user who started it (AUTH=local). In a browser, open the link that it printed; ' +
    '"npm start -- --link" or "trainyard open" prints a new one. Programs send "Authorization: Bearer" with the token in ' +
    'the file "owner-token" of the data folder, for example .trainyard/owner-token',
  required: 'This needs a token ("Authorization: Bearer ty_…") or a session',
} as const

async function authenticateBearer(options: AuthenticateOptions, authorization: string): Promise<Caller> {
  const secret = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (secret === undefined) throw new TrainyardError('unauthenticated', 'Authorization must be "Bearer" and a token')
  const isJwt = secret.split('.').length === 3
  const caller = isJwt ? await options.verifyExternalToken(secret) : await findCaller(options.identity, { secret })
  if (caller !== undefined) return caller
  throw new TrainyardError('unauthenticated', 'The token is unknown, has expired or was revoked')
}

function sessionSecretOf(headers: Headers): string | undefined {
  for (const part of (headers.get('cookie') ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === SESSION_COOKIE && value) return value
  }
  return undefined
}
