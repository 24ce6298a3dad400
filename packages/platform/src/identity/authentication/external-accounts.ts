import { Role, Slug, withoutOddCharacters } from '@trainyard/contract'
import type { JWTPayload } from 'jose'
import type { Kysely } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { newId } from '../../system/ids.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { TrustedIssuer } from '../config/trusted-issuers.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { AccountRow } from '../db/schema/accounts.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { insertOrganisation } from '../organisations/organisations.ts'
import type { CallerMembership } from '../permissions/caller.ts'
import { textClaim } from './claims.ts'

interface ExternalSubject {
  issuer: string
  subject: string
  displayName: string
}

/** The account of an external subject, which is created when it is first seen. */
export async function ensureAccount(identity: IdentityStore, external: ExternalSubject): Promise<AccountRow> {
  const found = await findAccount(identity.database.db, external)
  if (found !== undefined) return found
  return await identity.database.transaction(async (trx) => {
    const id = newId('acc')
    const account = await trx
      .insertInto('accounts')
      .values({
        id,
        email: null,
        display_name: readableName(external),
        password_hash: null,
        operator: false,
        disabled_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    const linked = await trx
      .insertInto('external_accounts')
      .values({ issuer: external.issuer, subject: external.subject, account_id: id })
      .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
      .returning('account_id')
      .executeTakeFirst()
    if (linked !== undefined) {
      const data = { issuer: external.issuer, subject: external.subject }
      await writeAudit(identity, trx, { actor: id, credentials: 'issuer', action: 'account.create', subject: id, data })
      return account
    }
    // A concurrent request of the same person created the account.
    await trx.deleteFrom('accounts').where('id', '=', id).execute()
    const other = await findAccount(trx, external)
    if (other === undefined) throw new TrainyardError('unavailable', 'The account was removed during the request')
    return other
  })
}

/** The issuer does not follow our rules for names: what no reader would see is left out. */
function readableName({ displayName, subject }: ExternalSubject): string {
  const name = [...withoutOddCharacters(displayName).trim()].slice(0, 100).join('')
  return name === '' ? withoutOddCharacters(subject).slice(0, 100) : name
}

async function findAccount(db: Kysely<IdentityDatabase>, { issuer, subject }: ExternalSubject) {
  return await db
    .selectFrom('external_accounts')
    .innerJoin('accounts', 'accounts.id', 'external_accounts.account_id')
    .selectAll('accounts')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
}

/** The membership that the token's claims assert. An organisation that does not exist is created. */
export async function findMembership(
  identity: IdentityStore,
  { issuer, claims, organisations, roles, defaultRole }: TrustedIssuer,
  payload: JWTPayload,
): Promise<CallerMembership | undefined> {
  const claimedOrganisation = claims.organisation === undefined ? undefined : textClaim(payload, claims.organisation)
  if (claimedOrganisation === undefined) return undefined
  const slug = Slug.safeParse(mapped(organisations, claimedOrganisation))
  if (!slug.success) return undefined
  const claimedRole = claims.role === undefined ? undefined : textClaim(payload, claims.role)
  const role = Role.safeParse(claimedRole === undefined ? undefined : mapped(roles, claimedRole))
  const organisationId = await ensureOrganisation(identity, slug.data, issuer)
  return { organisationId, organisation: slug.data, role: role.success ? role.data : defaultRole }
}

/** Our name for the issuer's. Without a map both are the same. */
function mapped(map: Readonly<Record<string, string>> | undefined, name: string): string | undefined {
  if (map === undefined) return name
  return Object.hasOwn(map, name) ? map[name] : undefined
}

async function ensureOrganisation(identity: IdentityStore, slug: string, issuer: string): Promise<string> {
  const { database } = identity
  const find = (db: Kysely<IdentityDatabase>) => db.selectFrom('organisations').select('id').where('slug', '=', slug)
  const found = await find(database.db).executeTakeFirst()
  if (found !== undefined) return found.id
  return await database.transaction(async (trx) => {
    const created = await insertOrganisation(trx, { slug, displayName: slug })
    if (created === undefined) return (await find(trx).executeTakeFirstOrThrow()).id
    const { id } = created
    const data = { slug }
    const action = 'organisation.create'
    await writeAudit(identity, trx, { actor: issuer, action, subject: id, subjectName: slug, organisationId: id, data })
    return id
  })
}
