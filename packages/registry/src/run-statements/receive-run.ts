import { RunStatement } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'

/** Records a run that a runner states. The same statement counts once. */
export async function receiveRun(context: RegistryContext, statement: string): Promise<void> {
  const now = context.clock.now()
  const claims = RunStatement.safeParse(await context.runnerKeys.verify(statement, now))
  if (!claims.success) {
    const [issue] = claims.error.issues
    const detail = `the claim "${issue?.path.join('.')}" of the statement is not valid: ${issue?.message}`
    throw new TrainyardError('unprocessable', detail, { issues: [{ path: 'statement', detail }] })
  }
  const run = claims.data
  const { db } = context.database
  const part = await db
    .selectFrom('version_parts')
    .innerJoin('versions', 'versions.id', 'version_parts.version_id')
    .innerJoin('repositories', 'repositories.id', 'version_parts.repository_id')
    .select('version_parts.repository_id')
    .where('repositories.name', '=', run.trainer)
    .where('versions.version', '=', run.version)
    .where('version_parts.published_at', 'is not', null)
    .where((by) =>
      by.or([by('version_parts.manifest_digest', '=', run.digest), by('version_parts.layer_digest', '=', run.digest)]),
    )
    .executeTakeFirst()
  if (part === undefined)
    throw new TrainyardError(
      'not_found',
      `No published part of ${run.trainer}:${run.version} has the digest ${run.digest}`,
    )
  await sql`
    insert into runs (id, repository_id, version, subject, operation, outcome, seconds, ended_at, received_at)
    values (${run.jti}, ${part.repository_id}, ${run.version}, ${run.sub ?? null}, ${run.operation}, ${run.outcome},
      ${run.seconds}, ${new Date(run.iat * 1000)}, ${now})
    on conflict (id) do nothing
  `.execute(db)
}
