import { SESSION_COOKIE } from '@trainyard/contract'
import { TrainyardError } from '../errors.ts'
import type { AuthConfig } from './auth-config.ts'
import type { Caller } from './caller.ts'
import { loadCaller } from './load-caller.ts'
import { LOCAL_ACCOUNT_ID } from './local.ts'
import { isForThisMachine, isFromElsewhere, type RequestHead } from './local-request.ts'
import type { Identity } from './open-identity.ts'

export interface AuthenticateOptions {
  identity: Identity
  auth: AuthConfig
  /** The origin under which browsers see us. */
  publicUrl?: string
  /** Who the JWT of another issuer is; undefined for one of nobody that we trust. */
  findForeignCaller?: (jwt: string) => Promise<Caller | undefined>
}

/**
 * Who is asking: a bearer token, the session of a browser, or, with `AUTH=local`, whoever is on this machine.
 *
 * @throws TrainyardError `unauthenticated`, or `forbidden` for a request that a page of another site made
 */
export async function authenticateRequest(options: AuthenticateOptions, request: RequestHead): Promise<Caller> {
  const header = request.headers.get('authorization')
  if (header !== null) return await ofHeader(options, header)
  const secret = sessionOf(request.headers)
  const isLocal = options.auth.mode === 'local' && isForThisMachine(request)
  if (secret === undefined && !isLocal) {
    throw new TrainyardError(
      'unauthenticated',
      options.auth.mode === 'local'
        ? 'Without a token, this is only for this machine: it listens to names such as "localhost"; set AUTH=required to serve others'
        : 'This needs a token ("Authorization: Bearer ty_…") or a session',
    )
  }
  // Browsers add cookies, and their place on this machine, to whatever any page asks of them.
  if (isFromElsewhere(request, options.publicUrl))
    throw new TrainyardError('forbidden', 'A page of another site asked for this; send a token if that is meant')
  const caller = secret === undefined ? undefined : await options.identity.findCaller(secret)
  if (caller !== undefined) return caller
  if (isLocal) return await localOwner(options.identity)
  throw new TrainyardError('unauthenticated', 'The session is unknown, over or ended; sign in again')
}

async function ofHeader({ identity, findForeignCaller }: AuthenticateOptions, header: string): Promise<Caller> {
  const secret = /^bearer +(\S+) *$/i.exec(header)?.[1]
  if (secret === undefined) throw new TrainyardError('unauthenticated', 'Authorization must be "Bearer" and a token')
  const isJwt = secret.split('.').length === 3
  const caller = isJwt ? await findForeignCaller?.(secret) : await identity.findCaller(secret)
  if (caller !== undefined) return caller
  throw new TrainyardError('unauthenticated', 'The token is unknown, has expired or was revoked')
}

function sessionOf(headers: Headers): string | undefined {
  for (const part of (headers.get('cookie') ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === SESSION_COOKIE && value) return value
  }
  return undefined
}

/** Whoever needs no credentials. */
async function localOwner({ database }: Identity): Promise<Caller> {
  const account = await database.db
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', LOCAL_ACCOUNT_ID)
    .executeTakeFirstOrThrow()
  return await loadCaller(database.db, { account, credentials: 'local' })
}
