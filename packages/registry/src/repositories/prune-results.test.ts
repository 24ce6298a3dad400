import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHarness, type Harness, pushBlob } from '../testing/harness.ts'
import { pruneResults } from './prune-results.ts'

let harness: Harness
beforeAll(async () => {
  harness = await createHarness()
})
afterAll(() => harness.close())

it('removes what was found about manifests and layers that are gone, and results that were not used for 90 days', async () => {
  const { context } = harness.registry
  const { db } = context.database
  const token = await harness.token(['push:plain'])
  const layer = await pushBlob(harness, { name: 'plain/layers', token, bytes: Buffer.from('a layer') })
  const repository = await db
    .selectFrom('repositories')
    .select('id')
    .where('name', '=', 'plain/layers')
    .executeTakeFirstOrThrow()
  const now = context.clock.now()
  const manifest = { repository_id: repository.id, digest: `sha256:${'1'.repeat(64)}` }
  await db
    .insertInto('manifests')
    .values({
      ...manifest,
      media_type: 'x',
      artifact_type: null,
      subject_digest: null,
      annotations: 'null',
      content: Buffer.from('{}'),
      form: 'artifact',
    })
    .execute()
  const list = { repository_id: repository.id, package_count: 0, content: '{}', created_at: now }
  await db
    .insertInto('sboms')
    .values([
      { ...list, manifest_digest: manifest.digest },
      { ...list, manifest_digest: `sha256:${'2'.repeat(64)}` },
    ])
    .execute()
  const result = { scanner_version: '1', settings: '', result: '{}', used_at: now }
  const old = new Date(now.getTime() - 91 * 86_400_000)
  await db
    .insertInto('layer_results')
    .values([
      { ...result, layer_digest: layer, scanner: 'kept' },
      { ...result, layer_digest: layer, scanner: 'old', used_at: old },
      { ...result, layer_digest: `sha256:${'3'.repeat(64)}`, scanner: 'gone' },
    ])
    .execute()
  expect(await pruneResults(context)).toBe(3)
  expect(await db.selectFrom('sboms').select('manifest_digest').execute()).toEqual([
    { manifest_digest: manifest.digest },
  ])
  expect(await db.selectFrom('layer_results').select('scanner').execute()).toEqual([{ scanner: 'kept' }])
  expect(await pruneResults(context)).toBe(0)
})
