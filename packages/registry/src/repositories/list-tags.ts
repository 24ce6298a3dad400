import { sql } from 'kysely'
import { isManifestReadable, isPartListed } from '../versions/readable.ts'
import { getVisibleRepository, mayInspect, type RepositoryRequest } from './repository.ts'

const MAX_PAGE = 1000

/** Lists tags in lexical order, `n` at a time, after `last`, which does not have to exist. */
export async function listTags(request: RepositoryRequest): Promise<Response> {
  const { context, name, url } = request
  const repository = await getVisibleRepository(request)
  const requested = url.searchParams.get('n')
  const limit = requested !== null && /^\d+$/.test(requested) ? Math.min(Number(requested), MAX_PAGE) : MAX_PAGE
  const last = url.searchParams.get('last')
  const rows = await context.database.db
    .selectFrom('tags')
    .select('name')
    .where('repository_id', '=', repository.id)
    .$if(last !== null, (query) => query.where('name', '>', last))
    .$if(!mayInspect(request), (query) =>
      query.where(
        // A version is hidden until it is published itself, even if another version has published the same bytes.
        sql<boolean>`case
          when exists (select 1 from versions v where v.repository_id = tags.repository_id and v.version = tags.name)
          then exists (select 1 from versions v join version_parts p on p.version_id = v.id
            where v.repository_id = tags.repository_id and v.version = tags.name and ${isPartListed(context.config, 'p')})
          else ${isManifestReadable(context.config, { repositoryId: sql`tags.repository_id`, digest: sql`tags.digest` })}
          end`,
      ),
    )
    .orderBy('name')
    .limit(limit + 1)
    .execute()
  const tags = rows.slice(0, limit).map((row) => row.name)
  const headers: Record<string, string> = {}
  const lastTag = tags.at(-1)
  if (rows.length > limit && lastTag !== undefined) {
    headers.Link = `</v2/${name}/tags/list?n=${limit}&last=${encodeURIComponent(lastTag)}>; rel="next"`
  }
  return Response.json({ name, tags }, { headers })
}
