import { sql } from 'kysely'
import { parseDigest } from '../oci/names.ts'
import { OCI_INDEX } from '../oci/parse-manifest.ts'
import { isManifestReadable } from '../versions/readable.ts'
import { findRepository, mayInspect, type RepositoryRequest } from './repository.ts'

const PAGE = 200

/** Lists the visible manifests that refer to a digest. Never 404: clients take that to mean that the API is missing. */
export async function listReferrers(request: RepositoryRequest, digestText: string): Promise<Response> {
  const { context, name, url } = request
  const subject = parseDigest(digestText).text
  const artifactType = url.searchParams.get('artifactType')
  const last = url.searchParams.get('last')
  const repository = await findRepository(context, name)
  const rows = repository
    ? await context.database.db
        .selectFrom('manifests')
        .select(['media_type', 'digest', 'artifact_type', 'annotations'])
        .select(sql<number>`octet_length(content)`.as('size_bytes'))
        .where('repository_id', '=', repository.id)
        .where('subject_digest', '=', subject)
        .$if(artifactType !== null, (query) => query.where('artifact_type', '=', artifactType))
        .$if(!mayInspect(request), (query) =>
          query.where(
            isManifestReadable(context.config, {
              repositoryId: sql`manifests.repository_id`,
              digest: sql`manifests.digest`,
            }),
          ),
        )
        .$if(last !== null, (query) => query.where('digest', '>', last ?? ''))
        .orderBy('digest')
        .limit(PAGE + 1)
        .execute()
    : []
  const page = rows.slice(0, PAGE)
  const headers: Record<string, string> = { 'Content-Type': OCI_INDEX }
  if (artifactType !== null) headers['OCI-Filters-Applied'] = 'artifactType'
  const lastDigest = page.at(-1)?.digest
  if (rows.length > PAGE && lastDigest !== undefined) {
    const query = new URLSearchParams()
    if (artifactType !== null) query.set('artifactType', artifactType)
    query.set('last', lastDigest)
    headers.Link = `</v2/${name}/referrers/${subject}?${query}>; rel="next"`
  }
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: page.map((row) => ({
      mediaType: row.media_type,
      digest: row.digest,
      size: row.size_bytes,
      artifactType: row.artifact_type ?? undefined,
      annotations: row.annotations ?? undefined,
    })),
  })
  return new Response(body, { headers })
}
