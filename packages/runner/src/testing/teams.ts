import { Job } from '@trainyard/contract'
import { sql } from 'kysely'
import { artifactKey } from '../jobs/storage-keys.ts'
import type { Harness } from './harness.ts'

/** Two teams that must not know of each other: `red` has a job and a dataset, `blue` looks. */
export interface Teams {
  /** Headers of people: `authorization` and nothing else. */
  owner: Record<string, string>
  member: Record<string, string>
  viewer: Record<string, string>
  blue: Record<string, string>
  /** A token of red's owner for the registry alone. */
  small: Record<string, string>
  /** A token of red's owner that is limited to another project. */
  limited: Record<string, string>
  /** Values of `Authorization` that are of no use any more. */
  expired: string
  revoked: string
  ownerId: string
  tokenId: string
  /** A login of red's owner. */
  sessionId: string
  jobId: number
  datasetId: string
  snapshotId: string
  /** A file of the job. */
  artifactId: string
  /** What must not be read by anybody else. */
  secrets: string[]
  /** Everything that a call could have changed, but for when a token was last used. */
  state(): Promise<unknown>
}

const PASSWORD = 'correct horse battery'

/** Makes the teams over HTTP, as people would. */
export async function startTeams(harness: Harness): Promise<Teams> {
  const { identity, database } = harness.runner.context
  const call = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await harness.post(path, body, headers)
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Record<string, never>
  }
  const person = async (email: string) => {
    const { id } = await call('/v1/accounts', { email, password: PASSWORD })
    const { secret } = await call('/v1/sessions', { email, password: PASSWORD })
    const headers = { authorization: `Bearer ${String(secret)}` }
    const { sessions } = (await (await harness.request('/v1/sessions', { headers })).json()) as {
      sessions: { id: string }[]
    }
    return { id: String(id), headers, sessionId: sessions[0]?.id ?? '' }
  }
  await person('operator@trainyard.test')
  const ada = await person('ada@red.test')
  const mel = await person('mel@red.test')
  const vera = await person('vera@red.test')
  const bob = await person('bob@blue.test')
  await call('/v1/organisations', { slug: 'red' }, ada.headers)
  await call('/v1/organisations', { slug: 'blue' }, bob.headers)
  await call('/v1/organisations/red/members', { email: 'MEL@red.test', role: 'member' }, ada.headers)
  await call('/v1/organisations/red/members', { email: 'vera@red.test', role: 'viewer' }, ada.headers)
  await call('/v1/organisations/red/projects', { slug: 'empty' }, ada.headers)
  const token = (body: object) => call('/v1/tokens', { name: 'test', scopes: ['jobs:write'], ...body }, ada.headers)
  const small = await token({ scopes: ['pull:red', 'push:red'] })
  const limited = await token({ scopes: ['jobs:write', 'datasets:write'], project: 'red/empty' })
  const other = await token({})
  const revoked = await token({})
  await harness.request(`/v1/tokens/${String(revoked.id)}`, { method: 'DELETE', headers: ada.headers })
  const { secret: expired } = await identity.createToken({
    ...{ owner: ada.id, accountId: ada.id, name: 'old', scopes: ['admin:*'], expiresAt: new Date('2020-01-01') },
  })

  const { id: projectId } = await identity.database.db
    .selectFrom('projects')
    .innerJoin('organisations', 'organisations.id', 'organisation_id')
    .select('projects.id')
    .where('organisations.slug', '=', 'red')
    .where('projects.slug', '=', 'default')
    .executeTakeFirstOrThrow()
  const datasetId = 'ds_crimson'
  await sql`
    insert into datasets (id, project_id, name, format, task_type, classes, counts, size_bytes, version_hash)
    select ${datasetId}, ${projectId}, 'crimson-shapes', format, task_type, classes, counts, size_bytes, version_hash
    from datasets where id = ${harness.datasetId}`.execute(database.db)
  const request = { trainer: 'acme/plain', dataset: datasetId, name: 'crimson-job', project: 'red/default' }
  const job = Job.parse(await call('/v1/jobs', request, mel.headers))
  const artifactId = 'art_crimson'
  await database.db
    .insertInto('artifacts')
    .values({
      ...{ id: artifactId, job_id: job.id, attempt: 1, kind: 'other', name: 'crimson.bin', size_bytes: 7 },
      ...{ sha256: 'a'.repeat(64), content_type: 'application/octet-stream', position: 1, completed_at: new Date() },
      storage_key: artifactKey(job.id, artifactId, 'crimson.bin'),
    })
    .execute()
  return {
    ...{ owner: ada.headers, member: mel.headers, viewer: vera.headers, blue: bob.headers },
    small: { authorization: `Bearer ${String(small.secret)}` },
    limited: { authorization: `Bearer ${String(limited.secret)}` },
    expired: `Bearer ${expired}`,
    revoked: `Bearer ${String(revoked.secret)}`,
    ...{
      ownerId: ada.id,
      tokenId: String(other.id),
      sessionId: ada.sessionId,
      jobId: job.id,
      datasetId,
      snapshotId: job.dataset?.snapshotId ?? '',
      artifactId,
    },
    secrets: ['crimson', 'red/default', ada.id, 'ada@red.test'],
    async state() {
      const tables = [
        ...[
          'jobs',
          'attempts',
          'datasets',
          'dataset_snapshots',
          'dataset_uploads',
          'artifacts',
          'events',
          'event_chunks',
        ].map((name) => sql.table(name)),
        ...['accounts', 'password_resets', 'organisations', 'memberships', 'projects', 'audit'].map((name) =>
          sql.id(identity.schema, name),
        ),
      ]
      const rows = []
      for (const table of tables) {
        rows.push((await sql`select t::text as row from ${table} t order by 1`.execute(database.db)).rows)
      }
      const tokens = sql.id(identity.schema, 'tokens')
      rows.push((await sql`select id, revoked_at from ${tokens} order by id`.execute(database.db)).rows)
      return rows
    },
  }
}
