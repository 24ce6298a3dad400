import type { ApiToken, CreatedToken, CreateTokenRequest } from '@trainyard/contract'
import { notFound, TrainyardError } from '../../errors.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller, CallerLimit } from '../permissions/caller.ts'
import { requireOrganisation } from '../permissions/require-organisation.ts'
import { scopesInclude } from '../permissions/scopes.ts'
import { createToken } from './create-token.ts'
import { type IdentityToken, listTokens } from './list-tokens.ts'

const DAY_MS = 24 * 3600 * 1000

/** Creates a token for the caller's account. It has no more scopes than the caller, and at least the caller's limit. */
export async function createOwnToken(
  identity: IdentityStore,
  caller: Caller,
  request: CreateTokenRequest,
): Promise<CreatedToken> {
  const excess = request.scopes.filter((scope) => !scopesInclude(caller.scopes, scope))
  if (excess.length > 0) {
    throw new TrainyardError(
      'forbidden',
      `A token can only be created with scopes that the caller has (${caller.scopes?.join(', ')}), not ${excess.join(', ')}`,
    )
  }
  const { id, secret } = await createToken(identity, {
    owner: caller.subject,
    accountId: caller.account?.id,
    name: request.name,
    scopes: request.scopes,
    ...limitOf(caller, request),
    expiresAt: request.expiresInDays === undefined ? undefined : new Date(Date.now() + request.expiresInDays * DAY_MS),
  })
  const created = (await listTokens(identity, caller.subject)).find((token) => token.id === id)
  if (created === undefined) throw new TrainyardError('conflict', 'The token was revoked while it was created')
  return { ...toApiToken(created), secret }
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

export function toApiToken(token: IdentityToken): ApiToken {
  return {
    id: token.id,
    name: token.name,
    scopes: token.scopes,
    organisation: token.organisation,
    project: token.project,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString(),
    lastUsedAt: token.lastUsedAt?.toISOString(),
  }
}
