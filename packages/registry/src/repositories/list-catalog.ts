import { sql } from 'kysely'
import type { Authentication } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { OciError } from '../oci/errors.ts'
import { catalogChallenge } from './repository.ts'

const MAX_PAGE = 1000

/** `GET /v2/_catalog`: the repositories that the caller may see as a member of their namespace, in lexical order. */
export async function listCatalog(
  context: RegistryContext,
  authentication: Authentication,
  { method, url }: { method: string; url: URL },
): Promise<Response> {
  if (method !== 'GET') {
    throw new OciError('UNSUPPORTED', `${method} is not supported; expected GET`, { headers: { Allow: 'GET' } })
  }
  const { caller } = authentication.outcome === 'accepted' ? authentication : { caller: undefined }
  if (caller === undefined || caller.credentials === 'none') {
    const message = authentication.outcome === 'accepted' ? 'log in to list repositories' : authentication.detail
    throw new OciError('UNAUTHORIZED', message, { headers: { 'WWW-Authenticate': catalogChallenge(context) } })
  }
  const requested = url.searchParams.get('n')
  const limit = requested !== null && /^\d+$/.test(requested) ? Math.min(Number(requested), MAX_PAGE) : MAX_PAGE
  const last = url.searchParams.get('last') ?? ''
  const { db } = context.database
  const all = await db.selectFrom('repositories').select('namespace').distinct().execute()
  const namespaces = all.map(({ namespace }) => namespace).filter((namespace) => caller.may('list', `${namespace}/any`))
  const rows = await db
    .selectFrom('repositories')
    .select('name')
    .where('namespace', '=', sql<string>`any(${namespaces})`)
    .where(sql<boolean>`name collate "C" > ${last}`)
    .orderBy(sql`name collate "C"`)
    .limit(limit + 1)
    .execute()
  const repositories = rows.slice(0, limit).map(({ name }) => name)
  const headers: Record<string, string> = {}
  const lastName = repositories.at(-1)
  if (rows.length > limit && lastName !== undefined) {
    headers.Link = `</v2/_catalog?n=${limit}&last=${encodeURIComponent(lastName)}>; rel="next"`
  }
  return Response.json({ repositories }, { headers })
}
