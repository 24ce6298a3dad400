import { claimNamespace } from '@trainyard/platform'
import type { Selectable } from 'kysely'
import type { Caller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import type { RepositoryTable } from '../db/schema/repositories.ts'
import { OciError } from '../oci/errors.ts'

export type Repository = Selectable<RepositoryTable>

/** A request for one repository, with what every endpoint needs. */
export interface RepositoryRequest {
  context: RegistryContext
  caller: Caller
  name: string
  namespace: string
  /** An ordinary OCI repository, by configuration: no versions, no checks. */
  plain: boolean
  request: Request
  url: URL
}

export async function findRepository(context: RegistryContext, name: string): Promise<Repository | undefined> {
  return context.database.db.selectFrom('repositories').selectAll().where('name', '=', name).executeTakeFirst()
}

/** Whether the caller may see what is not published in this repository. */
export function mayInspect({ caller, name, plain }: RepositoryRequest): boolean {
  return plain || caller.may('inspect', name)
}

/** The 401 that makes a client fetch a token for what it tried to do. */
function unauthorized(request: RepositoryRequest, actions: string, message: string): OciError {
  const { context, caller, name } = request
  const insufficient = caller.credentials === 'grant' ? ',error="insufficient_scope"' : ''
  return new OciError('UNAUTHORIZED', message, {
    headers: { 'WWW-Authenticate': `${challenge(context)},scope="repository:${name}:${actions}"${insufficient}` },
    detail: [{ Type: 'repository', Name: name, Action: actions.split(',').at(-1) }],
  })
}

export function challenge(context: RegistryContext): string {
  return `Bearer realm="${context.config.publicUrl}/token",service="trainyard"`
}

/** Throws unless the caller may push. A grant that lacks it gets a challenge: the client may not have asked for it. */
export function requirePush(request: RepositoryRequest): void {
  const { caller, name, namespace } = request
  if (caller.may('push', name)) return
  const wanted = `changing "${name}" needs a token with the scope "push:${namespace}"`
  if (caller.credentials === 'token') {
    throw new OciError('DENIED', `${wanted}; this one has ${caller.scopes.join(', ') || 'no scopes'}`)
  }
  throw unauthorized(request, 'pull,push', wanted)
}

/** The one answer for what is not there and what is not to be seen, so that nothing can be told apart. */
function unknownRepository(request: RepositoryRequest): OciError {
  const message = `there is no repository "${request.name}", or nothing in it is published yet`
  return request.caller.credentials === 'none'
    ? unauthorized(request, 'pull', `${message}; log in if it is yours`)
    : new OciError('NAME_UNKNOWN', message)
}

/** The repository, when the caller may see any of it. */
export async function getVisibleRepository(request: RepositoryRequest): Promise<Repository> {
  const repository = await findRepository(request.context, request.name)
  if (!repository || (repository.latest_version === null && !mayInspect(request))) throw unknownRepository(request)
  return repository
}

/** The repository to push to, made on its first push. */
export async function ensureRepository(request: RepositoryRequest): Promise<Repository> {
  const found = await findRepository(request.context, request.name)
  if (found) return found
  const { context, caller, name, namespace } = request
  return context.database.transaction(async (trx) => {
    const created = await trx
      .insertInto('repositories')
      .values({ name, namespace, latest_version: null, published_at: null })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returningAll()
      .executeTakeFirst()
    if (created) {
      await claimNamespace(context.identity, trx, { slug: namespace, subject: caller.subject })
      await context.identity.audit(trx, { actor: caller.subject, action: 'repository.create', subject: name, data: {} })
      return created
    }
    return trx.selectFrom('repositories').selectAll().where('name', '=', name).executeTakeFirstOrThrow()
  })
}
