import { Role, Slug } from '@trainyard/contract'
import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Kysely } from 'kysely'
import { TrainyardError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { newId } from '../system/ids.ts'
import type { Caller, CallerMembership } from './caller.ts'
import { loadCaller } from './load-caller.ts'
import type { Identity } from './open-identity.ts'
import { insertOrganisation } from './organisations.ts'
import type { AccountRow, IdentityDatabase } from './tables.ts'
import type { TrustedIssuer } from './trusted-issuers.ts'

/** Only those of two keys: an issuer's public key must not do as the secret of an HMAC. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** Who a JWT of another issuer is here. Undefined: of no issuer that is trusted, or not valid. */
export function createForeignCallers(identity: Identity, issuers: readonly TrustedIssuer[], logger: Logger) {
  const known = issuers.map((issuer) => ({ issuer, keys: createRemoteJWKSet(new URL(issuer.jwksUrl)) }))
  return async (jwt: string): Promise<Caller | undefined> => {
    const claimed = issuerOf(jwt)
    // One issuer may speak for several audiences, each with a mapping of its own.
    for (const { issuer, keys } of known.filter((one) => one.issuer.issuer === claimed)) {
      try {
        const { payload } = await jwtVerify(jwt, keys, {
          ...{ issuer: issuer.issuer, audience: issuer.audience, algorithms: ALGORITHMS },
          ...{ requiredClaims: ['exp'], clockTolerance: 5 },
        })
        return await toCaller(identity, issuer, payload)
      } catch (error) {
        if (error instanceof TrainyardError) throw error
        if (isOurFault(error)) {
          logger.warn({ err: error, issuer: issuer.issuer }, 'the keys of an issuer cannot be had')
          throw new TrainyardError('unavailable', 'The keys of the token’s issuer cannot be had now', { cause: error })
        }
      }
    }
    return undefined
  }
}

function issuerOf(jwt: string): string | undefined {
  try {
    return decodeJwt(jwt).iss
  } catch {
    return undefined
  }
}

/** What is wrong with a token is a JOSE error; the rest is the network's, or an issuer's that serves no keys. */
function isOurFault(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true
  return !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC'
}

async function toCaller(identity: Identity, issuer: TrustedIssuer, payload: JWTPayload): Promise<Caller | undefined> {
  const subject = textAt(payload, issuer.claims.account)
  if (subject === undefined) return undefined
  const displayName = textAt(payload, issuer.claims.displayName) ?? subject
  const account = await ensureAccount(identity, { issuer: issuer.issuer, subject, displayName })
  if (account.disabled_at !== null) return undefined
  const membership = await membershipOf(identity, issuer, payload)
  const { scopes: scopeClaim } = issuer.claims
  return await loadCaller(identity.database.db, {
    ...{ account, credentials: 'issuer', claimed: membership === undefined ? [] : [membership] },
    ...(scopeClaim === undefined ? {} : { scopes: listAt(payload, scopeClaim) }),
  })
}

async function ensureAccount(
  identity: Identity,
  who: { issuer: string; subject: string; displayName: string },
): Promise<AccountRow> {
  const found = await findAccount(identity.database.db, who)
  if (found !== undefined) return found
  return await identity.database.transaction(async (trx) => {
    const id = newId('acc')
    const account = await trx
      .insertInto('accounts')
      .values({
        ...{ id, email: null, display_name: who.displayName.slice(0, 100), password_hash: null },
        ...{ operator: false, disabled_at: null },
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    const linked = await trx
      .insertInto('external_accounts')
      .values({ issuer: who.issuer, subject: who.subject, account_id: id })
      .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
      .returning('account_id')
      .executeTakeFirst()
    if (linked !== undefined) {
      const data = { issuer: who.issuer, subject: who.subject }
      await identity.audit(trx, { actor: id, action: 'account.create', subject: id, data })
      return account
    }
    // Another request of the same person was first.
    await trx.deleteFrom('accounts').where('id', '=', id).execute()
    const winner = await findAccount(trx, who)
    if (winner === undefined) throw new TrainyardError('unavailable', 'The account has just been removed')
    return winner
  })
}

async function findAccount(db: Kysely<IdentityDatabase>, who: { issuer: string; subject: string }) {
  return await db
    .selectFrom('external_accounts')
    .innerJoin('accounts', 'accounts.id', 'external_accounts.account_id')
    .selectAll('accounts')
    .where('issuer', '=', who.issuer)
    .where('subject', '=', who.subject)
    .executeTakeFirst()
}

/** The role that the token vouches for: in an organisation that is there, or is made on its first sight. */
async function membershipOf(
  identity: Identity,
  { claims, organisations, roles, defaultRole }: TrustedIssuer,
  payload: JWTPayload,
): Promise<CallerMembership | undefined> {
  const named = claims.organisation === undefined ? undefined : textAt(payload, claims.organisation)
  if (named === undefined) return undefined
  const mapped = organisations === undefined ? named : own(organisations, named)
  const slug = Slug.safeParse(mapped)
  if (!slug.success) return undefined
  const said = claims.role === undefined ? undefined : textAt(payload, claims.role)
  const role = Role.safeParse(said === undefined || roles === undefined ? said : own(roles, said))
  const organisationId = await ensureOrganisation(identity, slug.data)
  return { organisationId, organisation: slug.data, role: role.success ? role.data : defaultRole }
}

async function ensureOrganisation({ database }: Identity, slug: string): Promise<string> {
  const find = (db: Kysely<IdentityDatabase>) =>
    db.selectFrom('organisations').select('id').where('slug', '=', slug).executeTakeFirst()
  const found = await find(database.db)
  if (found !== undefined) return found.id
  return await database.transaction(async (trx) => {
    const made = await insertOrganisation(trx, slug, slug)
    if (made !== undefined) {
      const project = { id: newId('prj'), organisation_id: made.id, slug: 'default', display_name: 'Default' }
      await trx.insertInto('projects').values(project).execute()
    }
    return (
      made?.id ??
      (await trx.selectFrom('organisations').select('id').where('slug', '=', slug).executeTakeFirstOrThrow()).id
    )
  })
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

function at(payload: JWTPayload, path: string): unknown {
  let value: unknown = payload
  // Some claims are named by an address, with dots in it: the whole name comes first.
  if (Object.hasOwn(payload, path)) return payload[path]
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

function textAt(payload: JWTPayload, path: string): string | undefined {
  const value = at(payload, path)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function listAt(payload: JWTPayload, path: string): string[] {
  const value = at(payload, path)
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string')
  return typeof value === 'string' ? value.split(/[\s,]+/).filter((item) => item !== '') : []
}
