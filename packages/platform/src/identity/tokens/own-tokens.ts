import type { ApiToken, CreatedToken, CreateTokenRequest } from '@trainyard/contract'
import { notFound, TrainyardError } from '../../errors.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { actorOf, type Caller, type CallerLimit } from '../permissions/caller.ts'
import { requireManageOwn } from '../permissions/can.ts'
import { requireOrganisation } from '../permissions/require-organisation.ts'
import { scopesInclude } from '../permissions/scopes.ts'
import { createToken, type NewToken } from './create-token.ts'
import { type IdentityToken, listTokens } from './list-tokens.ts'
import { revokeToken } from './revoke-token.ts'

const DAY_MS = 24 * 3600 * 1000

export interface CreateOwnTokenOptions {
  /** The longest lifetime of a new token. Default: none. */
  maxDays?: number | undefined
}

/**
 * Creates a token for the caller's account. It has no more scopes than the caller, at least the caller's limit, and does not
 * outlive a caller that is a token itself: it ends with it, also when that one is revoked.
 *
 * @throws TrainyardError `forbidden`, `unprocessable` when it would end later than it may, `conflict` when there are too many
 */
export async function createOwnToken(
  identity: IdentityStore,
  caller: Caller,
  request: CreateTokenRequest,
  { maxDays }: CreateOwnTokenOptions = {},
): Promise<CreatedToken> {
  requireManageOwn(caller, 'tokens')
  const excess = request.scopes.filter((scope) => !scopesInclude(caller.scopes, scope))
  if (excess.length > 0) {
    throw new TrainyardError(
      'forbidden',
      `A token can only be created with scopes that the caller has (${caller.scopes?.join(', ')}), not ${excess.join(', ')}`,
    )
  }
  const token: NewToken = {
    owner: caller.subject,
    accountId: caller.account?.id,
    name: request.name,
    scopes: request.scopes,
    ...limitOf(caller, request),
    expiresAt: chooseEnd(caller, request, maxDays),
    parentId: caller.credentials === 'token' ? caller.tokenId : undefined,
  }
  const { id, secret } = await createToken(identity, token, actorOf(caller))
  const created = (await listTokens(identity, caller.subject)).find((one) => one.id === id)
  if (created === undefined) throw new TrainyardError('conflict', 'The token was revoked while it was created')
  return { ...toApiToken(created), secret }
}

/** The caller's tokens, without sessions. A token sees those within its own limit. */
export async function listOwnTokens(identity: IdentityStore, caller: Caller): Promise<ApiToken[]> {
  requireManageOwn(caller, 'tokens')
  return (await listTokens(identity, caller.subject, caller.limit)).map(toApiToken)
}

/** Revokes one of the caller's tokens. A token reaches those within its own limit. */
export async function revokeOwnToken(identity: IdentityStore, caller: Caller, id: string): Promise<void> {
  requireManageOwn(caller, 'tokens')
  await revokeToken(identity, id, { owner: caller.subject, by: actorOf(caller), limit: caller.limit })
}

/** The requested end. Default: as late as possible. */
function chooseEnd(
  caller: Caller,
  { expiresInDays }: CreateTokenRequest,
  maxDays: number | undefined,
): Date | undefined {
  const after = (days: number) => new Date(Date.now() + days * DAY_MS)
  // A session and an issuer's token without scopes are the person. What the person creates does not end with a sign-in.
  const callersEnd = caller.scopes === undefined ? undefined : caller.expiresAt
  const refuse = (detail: string) =>
    new TrainyardError('unprocessable', `expiresInDays ${detail}; it is ${expiresInDays}`, {
      issues: [{ path: 'expiresInDays', detail, value: expiresInDays }],
    })
  if (expiresInDays !== undefined) {
    if (maxDays !== undefined && expiresInDays > maxDays) throw refuse(`must be at most ${maxDays} (TOKEN_MAX_DAYS)`)
    const end = after(expiresInDays)
    if (callersEnd !== undefined && end > callersEnd)
      throw refuse(`must end before the token that creates it, which ends at ${callersEnd.toISOString()}`)
    return end
  }
  const latest = maxDays === undefined ? undefined : after(maxDays)
  if (latest === undefined || callersEnd === undefined) return latest ?? callersEnd
  return new Date(Math.min(latest.getTime(), callersEnd.getTime()))
}

/** The requested limit, which must be within the caller's own. Default: the caller's limit. */
function limitOf(caller: Caller, request: CreateTokenRequest): CallerLimit {
  if (request.project !== undefined) {
    const project = caller.projects.find(({ name }) => name === request.project)
    if (project === undefined) throw notFound('project', request.project)
    if (request.organisation !== undefined && request.organisation !== project.organisation) {
      const detail = `must be a project of the organisation "${request.organisation}"`
      throw new TrainyardError('unprocessable', `project ${detail}; it is "${request.project}"`, {
        issues: [{ path: 'project', detail, value: request.project }],
      })
    }
    return { organisationId: project.organisationId, projectId: project.id }
  }
  if (request.organisation === undefined) return caller.limit
  const { organisationId } = requireOrganisation(caller, request.organisation, 'organisation:read')
  return { ...caller.limit, organisationId }
}

function toApiToken(token: IdentityToken): ApiToken {
  return {
    id: token.id,
    name: token.name,
    scopes: token.scopes,
    organisation: token.organisation,
    project: token.project,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString(),
    lastUsedAt: token.lastUsedAt?.toISOString(),
    createdBy: token.createdBy,
  }
}
