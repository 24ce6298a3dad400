import { claimNamespace } from '@trainyard/platform'
import type { Selectable, Transaction } from 'kysely'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import type { RepositoryTable } from '../db/schema/repositories.ts'
import { findNameProblem } from '../names/find-name-problem.ts'
import { OciError } from '../oci/errors.ts'
import { isPartReadable } from '../versions/readable.ts'

export type Repository = Selectable<RepositoryTable>

/** A `/v2` request for one repository. */
export interface RepositoryRequest {
  context: RegistryContext
  caller: RegistryCaller
  name: string
  namespace: string
  /** An ordinary OCI repository (`plainNamespaces` of the configuration): no versions, no checks. */
  plain: boolean
  /** The client's address, for audit rows. */
  address: string
  raw: Request
  url: URL
  /**
   * Throws when the caller has lost the right to push since the request began: the token was revoked, or the role. A body can
   * take hours.
   */
  confirm(): Promise<void>
}

/** Prepared: named columns, because its result must not change when a migration adds one. */
const REPOSITORY_COLUMNS = `id, name, namespace, pulls, latest_version, display_name, description, framework, license,
  task_types, keywords, published_at, latest_trust, listed_tiers, created_at`

export async function findRepository({ database }: RegistryContext, name: string): Promise<Repository | undefined> {
  const text = `select ${REPOSITORY_COLUMNS} from repositories where name = $1`
  const [repository] = await database.query<Repository>({ name: 'find-repository', text }, [name])
  return repository
}

/** Whether the caller may see what is not published in this repository. */
export function mayInspect({ caller, name, plain }: Pick<RepositoryRequest, 'caller' | 'name' | 'plain'>): boolean {
  return plain || caller.may('inspect', name)
}

type Actions = 'pull' | 'pull,push' | 'pull,push,delete'

/** The value of `WWW-Authenticate` that sends clients to the token endpoint. */
export function challenge(context: RegistryContext, scope?: { name: string; actions: Actions }): string {
  const bearer = `Bearer realm="${context.config.publicUrl}/token",service="trainyard"`
  return scope === undefined ? bearer : `${bearer},scope="repository:${scope.name}:${scope.actions}"`
}

/** The same for the list of repositories. */
export function catalogChallenge(context: RegistryContext): string {
  return `${challenge(context)},scope="registry:catalog:*"`
}

/** A 401 response that makes the client fetch a token for these actions. */
function unauthorized(request: RepositoryRequest, actions: Actions, message: string): OciError {
  const { context, caller, name } = request
  const insufficient = caller.credentials === 'grant' ? ',error="insufficient_scope"' : ''
  return new OciError('UNAUTHORIZED', message, {
    headers: { 'WWW-Authenticate': `${challenge(context, { name, actions })}${insufficient}` },
    detail: [{ Type: 'repository', Name: name, Action: actions.split(',').at(-1) }],
  })
}

/**
 * Throws unless the caller may push. A caller with a grant gets a challenge: the client might not have requested the scope.
 */
export function requirePush(request: RepositoryRequest): void {
  const { caller, name, namespace } = request
  if (caller.may('push', name)) return
  throw denied(request, 'pull,push', `changing "${name}" requires a token with the scope "push:${namespace}"`)
}

/** The same for deleting: a token that can only push cannot remove what others pushed. */
export function requireDelete(request: RepositoryRequest): void {
  const { caller, name, namespace } = request
  if (caller.may('delete', name)) return
  const message = `deleting from "${name}" requires a token with the scope "admin:${namespace}"`
  throw denied(request, 'pull,push,delete', message)
}

function denied(request: RepositoryRequest, actions: Actions, message: string): OciError {
  const { caller } = request
  if (caller.credentials === 'token') {
    return new OciError('DENIED', `${message}; the scopes of this token: ${caller.scopes.join(', ') || 'none'}`)
  }
  return unauthorized(request, actions, message)
}

/** The same response for a repository that does not exist and for one that is hidden from the caller. */
function unknownRepository(request: RepositoryRequest): OciError {
  const message = `the repository "${request.name}" does not exist, or nothing in it is published yet`
  return request.caller.credentials === 'none'
    ? unauthorized(request, 'pull', `${message}; log in if it is yours`)
    : new OciError('NAME_UNKNOWN', message)
}

/** Gets the repository if the caller may see any of it. */
export async function getVisibleRepository(request: RepositoryRequest): Promise<Repository> {
  const repository = await findRepository(request.context, request.name)
  if (!repository) throw unknownRepository(request)
  // After the last version was yanked, its digest can still be pulled.
  const wasListed = (repository.latest_version ?? repository.published_at) !== null
  if (wasListed || mayInspect(request)) return repository
  // A version can be one that strangers may pull without seeing it in lists.
  const readable = await request.context.database.db
    .selectFrom('version_parts')
    .select('version_id')
    .where('repository_id', '=', repository.id)
    .where(isPartReadable(request.context.config, 'version_parts'))
    .limit(1)
    .executeTakeFirst()
  if (readable === undefined) throw unknownRepository(request)
  return repository
}

/** Writes an audit row of the namespace's organisation, in the transaction of the action. */
export async function auditRepository(
  { context, caller, namespace, address }: RepositoryRequest,
  trx: Transaction<RegistryDatabase>,
  entry: { action: string; subject: string; data: Record<string, unknown> },
): Promise<void> {
  await context.identity.audit(trx, { ...caller.actor, address, organisation: namespace, ...entry })
}

/** Every client prints the message of DENIED, so it contains what to do. */
async function requireFitName(context: RegistryContext, name: string): Promise<void> {
  const problem = await findNameProblem(context, name)
  if (problem === undefined) return
  throw new OciError(
    'DENIED',
    `the name "${name}" cannot be used: ${problem}. Choose another name, or ask the operator of the registry to push it first`,
  )
}

/** The repository to push to. It is created on the first push. */
export async function ensureRepository(request: RepositoryRequest): Promise<Repository> {
  const found = await findRepository(request.context, request.name)
  return found ?? (await createRepository(request, async (_, repository) => repository))
}

/** Creates a repository, unless another push has, with what belongs to it: both commit, or neither. */
export async function createRepository<T>(
  request: RepositoryRequest,
  work: (trx: Transaction<RegistryDatabase>, repository: Repository) => Promise<T>,
): Promise<T> {
  const { context, caller, name, namespace, plain } = request
  if (!plain && !caller.mayTakeAnyName) await requireFitName(context, name)
  return await context.database.transaction(async (trx) => {
    const created = await trx
      .insertInto('repositories')
      .values({ name, namespace, latest_version: null, published_at: null })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returningAll()
      .executeTakeFirst()
    if (created) {
      const claimed = await claimNamespace(context.identity, trx, { slug: namespace, subject: caller.subject })
      const data = claimed ? { claimedNamespace: namespace } : {}
      await auditRepository(request, trx, { action: 'repository.create', subject: name, data })
      return await work(trx, created)
    }
    const other = await trx.selectFrom('repositories').selectAll().where('name', '=', name).executeTakeFirstOrThrow()
    return await work(trx, other)
  })
}
