import type { ApiToken, CreatedToken, CreateTokenRequest } from '@trainyard/contract'
import { notFound, TrainyardError } from '../errors.ts'
import type { Caller } from './caller.ts'
import { createToken } from './create-token.ts'
import type { IdentityToken } from './list-tokens.ts'
import type { Identity } from './open-identity.ts'
import { requireOrganisation } from './organisations.ts'
import { scopesInclude } from './scopes.ts'

const DAY_MS = 24 * 3600 * 1000

/** Makes a token of the caller's own. It can do no more than the caller, and nowhere else. */
export async function giveToken(
  identity: Identity,
  caller: Caller,
  request: CreateTokenRequest,
): Promise<CreatedToken> {
  const beyond = request.scopes.filter((scope) => !scopesInclude(caller.scopes, scope))
  if (beyond.length > 0) {
    throw new TrainyardError(
      'forbidden',
      `A token gives away only what it has: ${caller.scopes?.join(', ')}; asked was ${beyond.join(', ')}`,
    )
  }
  const limit = limitOf(caller, request)
  const expiresAt =
    request.expiresInDays === undefined ? undefined : new Date(Date.now() + request.expiresInDays * DAY_MS)
  const { id, secret } = await createToken(identity, {
    ...{ owner: caller.subject, name: request.name, scopes: request.scopes, ...limit },
    ...(caller.account === undefined ? {} : { accountId: caller.account.id }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  })
  const made = (await identity.listTokens(caller.subject)).find((token) => token.id === id)
  if (made === undefined) throw new TrainyardError('conflict', 'The token has just been revoked')
  return { ...toApiToken(made), secret }
}

/** The bounds that are asked for, which lie within the caller's own; without any, those of the caller. */
function limitOf(caller: Caller, request: CreateTokenRequest): Caller['limit'] {
  if (request.project !== undefined) {
    const project = caller.projects.find(({ name }) => name === request.project)
    if (project === undefined) throw notFound('project', request.project)
    if (request.organisation !== undefined && request.organisation !== project.organisation)
      throw new TrainyardError('unprocessable', `project must be one of the organisation "${request.organisation}"`, {
        issues: [{ path: 'project', detail: 'must be one of the organisation', value: request.project }],
      })
    return { organisationId: project.organisationId, projectId: project.id }
  }
  if (request.organisation === undefined) return caller.limit
  const { organisationId } = requireOrganisation(caller, request.organisation, 'organisation:read')
  return { ...caller.limit, organisationId }
}

export function toApiToken(token: IdentityToken): ApiToken {
  const { id, name, scopes, organisation, project, createdAt, expiresAt, lastUsedAt } = token
  return {
    ...{ id, name, scopes, createdAt: createdAt.toISOString() },
    ...(organisation === undefined ? {} : { organisation }),
    ...(project === undefined ? {} : { project }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: lastUsedAt.toISOString() }),
  }
}
