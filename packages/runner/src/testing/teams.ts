import { Job } from '@trainyard/contract'
import { sql } from 'kysely'
import { insertFiles } from '../datasets/testing/insert-files.ts'
import { png } from '../datasets/testing/test-datasets.ts'
import { artifactKey } from '../jobs/storage-keys.ts'
import type { Harness } from './harness.ts'

/** Two teams that are isolated from each other. `red` has a job and a dataset; `blue` tries to read them. */
export interface Teams {
  /** Headers with the `authorization` of red's members and of blue's owner. */
  owner: Record<string, string>
  member: Record<string, string>
  viewer: Record<string, string>
  blue: Record<string, string>
  /** A token of red's owner for the registry only. */
  small: Record<string, string>
  /** A token of red's owner for another project. */
  limited: Record<string, string>
  /** Values of `authorization` that are no longer valid. */
  expired: string
  revoked: string
  ownerId: string
  tokenId: string
  /** A session of red's owner. */
  sessionId: string
  jobId: number
  datasetId: string
  snapshotId: string
  /** An artifact of the job. */
  artifactId: string
  /** Texts that only red may read. */
  secrets: string[]
  /** All rows that a request could have changed, except for when a token was last used. */
  state(): Promise<unknown>
}

interface Person {
  id: string
  headers: Record<string, string>
  sessionId: string
}

const PASSWORD = 'correct horse battery'
const DATASET_ID = 'ds_crimson'
const ARTIFACT_ID = 'art_crimson'

/** Creates the teams through the API. */
export async function startTeams(harness: Harness): Promise<Teams> {
  const people = await createPeople(harness)
  const { ada, mel, vera, bob } = people
  const tokens = await createTokens(harness, ada)
  const job = await createJob(harness, mel)
  return {
    owner: ada.headers,
    member: mel.headers,
    viewer: vera.headers,
    blue: bob.headers,
    small: tokens.small,
    limited: tokens.limited,
    expired: tokens.expired,
    revoked: tokens.revoked,
    ownerId: ada.id,
    tokenId: tokens.otherId,
    sessionId: ada.sessionId,
    jobId: job.id,
    datasetId: DATASET_ID,
    snapshotId: job.dataset?.snapshotId ?? '',
    artifactId: ARTIFACT_ID,
    secrets: ['crimson', 'red/default', ada.id, 'ada@red.test'],
    state: () => readState(harness),
  }
}

async function post(
  harness: Harness,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Record<string, never>> {
  const response = await harness.post(path, body, headers)
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Record<string, never>
}

async function createPeople(harness: Harness) {
  const setupSecret = await harness.runner.context.identity.replaceSetupSecret()
  const create = async (email: string): Promise<Person> => {
    const signUp = await harness.post('/v1/accounts', { email, password: PASSWORD, setupSecret })
    if (!signUp.ok) throw new Error(`signing up answered ${signUp.status}: ${await signUp.text()}`)
    const { secret, account } = await post(harness, '/v1/sessions', { email, password: PASSWORD })
    const { id } = account as unknown as { id: string }
    const headers = { authorization: `Bearer ${String(secret)}` }
    const { sessions } = (await (await harness.request('/v1/sessions', { headers })).json()) as {
      sessions: { id: string }[]
    }
    return { id, headers, sessionId: sessions[0]?.id ?? '' }
  }
  await create('operator@trainyard.test')
  const ada = await create('ada@red.test')
  const mel = await create('mel@red.test')
  const vera = await create('vera@red.test')
  const bob = await create('bob@blue.test')
  await post(harness, '/v1/organisations', { slug: 'red' }, ada.headers)
  await post(harness, '/v1/organisations', { slug: 'blue' }, bob.headers)
  const invite = async (person: Person, body: object) => {
    const { secret } = await post(harness, '/v1/organisations/red/members', body, ada.headers)
    await post(harness, '/v1/organisations/red/invitations/redeem', { secret }, person.headers)
  }
  await invite(mel, { email: 'MEL@red.test', role: 'member' })
  await invite(vera, { email: 'vera@red.test', role: 'viewer' })
  await post(harness, '/v1/organisations/red/projects', { slug: 'empty' }, ada.headers)
  return { ada, mel, vera, bob }
}

async function createTokens(harness: Harness, { id, headers }: Person) {
  const create = (body: object) =>
    post(harness, '/v1/tokens', { name: 'test', scopes: ['jobs:write'], ...body }, headers)
  const small = await create({ scopes: ['pull:red', 'push:red'] })
  const limited = await create({ scopes: ['jobs:write', 'datasets:write'], project: 'red/empty' })
  const other = await create({})
  const revoked = await create({})
  await harness.request(`/v1/tokens/${String(revoked.id)}`, { method: 'DELETE', headers })
  const { secret: expired } = await harness.runner.context.identity.createToken({
    owner: id,
    accountId: id,
    name: 'old',
    scopes: ['admin:*'],
    expiresAt: new Date('2020-01-01'),
  })
  return {
    small: { authorization: `Bearer ${String(small.secret)}` },
    limited: { authorization: `Bearer ${String(limited.secret)}` },
    expired: `Bearer ${expired}`,
    revoked: `Bearer ${String(revoked.secret)}`,
    otherId: String(other.id),
  }
}

/** Creates a dataset in red's project, and a job with an artifact. */
async function createJob(harness: Harness, owner: Person): Promise<Job> {
  const { identity, database } = harness.runner.context
  const { id: projectId } = await identity.database.db
    .selectFrom('projects')
    .innerJoin('organisations', 'organisations.id', 'organisation_id')
    .select('projects.id')
    .where('organisations.slug', '=', 'red')
    .where('projects.slug', '=', 'default')
    .executeTakeFirstOrThrow()
  await sql`
    insert into datasets (id, project_id, name, format, task_type, classes, counts, size_bytes, version_hash)
    select ${DATASET_ID}, ${projectId}, 'crimson-shapes', format, task_type, classes, counts, size_bytes, version_hash
    from datasets where id = ${harness.datasetId}`.execute(database.db)
  const picture = png()
  await harness.runner.context.store.put(`datasets/${DATASET_ID}/a.png`, picture)
  await insertFiles(database, DATASET_ID, { paths: ['a.png'], sizeBytes: picture.length })
  const request = { trainer: 'acme/plain', dataset: DATASET_ID, name: 'crimson-job', project: 'red/default' }
  const job = Job.parse(await post(harness, '/v1/jobs', request, owner.headers))
  await database.db
    .insertInto('artifacts')
    .values({
      id: ARTIFACT_ID,
      job_id: job.id,
      attempt: 1,
      kind: 'other',
      name: 'crimson.bin',
      size_bytes: 7,
      sha256: 'a'.repeat(64),
      content_type: 'application/octet-stream',
      position: 1,
      completed_at: new Date(),
      storage_key: artifactKey(job.id, ARTIFACT_ID, 'crimson.bin'),
    })
    .execute()
  const tried = { id: ARTIFACT_ID, job_id: job.id, checkpoint_id: ARTIFACT_ID, name: 'crimson.png' }
  await database.db
    .insertInto('pictures')
    .values({ ...tried, width: 1, height: 1, result: '{"objects":[]}', created_at: new Date() })
    .execute()
  return job
}

const RUNNER_TABLES = [
  'jobs',
  'attempts',
  'datasets',
  'dataset_snapshots',
  'dataset_uploads',
  'artifacts',
  'pictures',
  'events',
  'event_chunks',
]
const IDENTITY_TABLES = [
  'accounts',
  'password_resets',
  'organisations',
  'memberships',
  'member_invitations',
  'projects',
  'audit',
]

async function readState(harness: Harness): Promise<unknown[]> {
  const { identity, database } = harness.runner.context
  const tables = [
    ...RUNNER_TABLES.map((name) => sql.table(name)),
    ...IDENTITY_TABLES.map((name) => sql.id(identity.schema, name)),
  ]
  const rows: unknown[] = []
  for (const table of tables)
    rows.push((await sql`select t::text as row from ${table} t order by 1`.execute(database.db)).rows)
  const tokens = sql.id(identity.schema, 'tokens')
  rows.push((await sql`select id, revoked_at from ${tokens} order by id`.execute(database.db)).rows)
  return rows
}
