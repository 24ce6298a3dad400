import type { RegistryContext } from '../context.ts'
import type { ClaimedCheck } from './claim-check.ts'
import { parseJson } from './prepare-bundle.ts'

/** The pushed manifest, as JSON. */
export async function readPushed(context: RegistryContext, check: ClaimedCheck): Promise<unknown> {
  const { content } = await context.database.db
    .selectFrom('manifests')
    .select('content')
    .where('repository_id', '=', check.repository_id)
    .where('digest', '=', check.manifest_digest)
    .executeTakeFirstOrThrow()
  return parseJson(content)
}
