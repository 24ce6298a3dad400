import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHarness, digestOf, type Harness } from '../testing/harness.ts'

let harness: Harness
let token: string
beforeAll(async () => {
  harness = await createHarness()
  token = await harness.token(['push:*', 'pull:*', 'admin:*'])
  await requireDurableCommits(harness)
})
afterAll(() => harness.close())

/** From now on, a change fails whose commit does not wait for the disk: a crash of PostgreSQL would lose it. */
async function requireDurableCommits({ registry, config }: Harness): Promise<void> {
  const { db } = registry.context.database
  await sql`
    create function require_durable_commit() returns trigger language plpgsql as $$
    begin
      if current_setting('synchronous_commit') <> 'on' then raise exception 'a commit that does not wait'; end if;
      return null;
    end $$
  `.execute(db)
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = ${config.databaseSchema} and table_type = 'BASE TABLE'
  `.execute(db)
  expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(['uploads', 'upload_chunks', 'manifests']))
  for (const { name } of rows) {
    await sql`
      create constraint trigger durable after insert or update or delete on ${sql.table(name)}
      deferrable initially deferred for each row execute function require_durable_commit()
    `.execute(db)
  }
}

it('is tested by a trigger that refuses other commits', async () => {
  const commit = harness.registry.context.database.transaction(async (trx) => {
    await sql`set local synchronous_commit = off`.execute(trx)
    await trx.insertInto('pull_salts').values({ day: '2000-01-01', salt: 'x' }).execute()
  })
  await expect(commit).rejects.toThrow('a commit that does not wait')
})

const text = (value: string) => new TextEncoder().encode(value)
const send = async (
  method: string,
  path: string,
  body?: Uint8Array<ArrayBuffer>,
  type = 'application/octet-stream',
) => {
  const headers = { 'content-type': type }
  const response = await harness.request(path, { method, token, headers, body: body ?? null })
  return { status: response.status, location: response.headers.get('location') ?? '', body: await response.text() }
}

it('acknowledges uploads, chunks, blobs, mounts, manifests and deletions when PostgreSQL has them on its disk', async () => {
  const blob = text('one two ')
  const digest = digestOf(blob)
  const opened = await send('POST', '/v2/plain/durable/blobs/uploads/')
  expect(opened).toMatchObject({ status: 202 })
  for (const part of ['one ', 'two '])
    expect(await send('PATCH', opened.location, text(part))).toMatchObject({ status: 202 })
  expect(await send('PUT', `${opened.location}?digest=${digest}`)).toMatchObject({ status: 201 })
  const other = text('other')
  const whole = `/v2/plain/durable/blobs/uploads/?digest=${digestOf(other)}`
  expect(await send('POST', whole, other)).toMatchObject({ status: 201 })
  const mount = `/v2/plain/mounted/blobs/uploads/?mount=${digest}&from=plain/durable`
  expect(await send('POST', mount)).toMatchObject({ status: 201 })

  const type = 'application/vnd.oci.image.manifest.v1+json'
  const descriptor = { mediaType: 'application/octet-stream', digest, size: blob.byteLength }
  const manifest = text(JSON.stringify({ schemaVersion: 2, mediaType: type, config: descriptor, layers: [descriptor] }))
  expect(await send('PUT', '/v2/plain/durable/manifests/x', manifest, type)).toMatchObject({ status: 201 })
  for (const path of ['manifests/x', `manifests/${digestOf(manifest)}`, `blobs/${digest}`]) {
    expect(await send('DELETE', `/v2/plain/durable/${path}`)).toMatchObject({ status: 202 })
  }
})
