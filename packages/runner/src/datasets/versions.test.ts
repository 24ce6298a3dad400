import { type Dataset, DatasetList, DatasetVersionList, Problem, SnapshotList } from '@trainyard/contract'
import { DEFAULT_PROJECT_ID } from '@trainyard/platform'
import { createTestDatabase } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runnerMigrations } from '../db/migrations/index.ts'
import { createSnapshot, datasetRoutes } from './index.ts'
import { access, createDatasetsTest, dice, type Files, png, tarOf } from './testing/test-datasets.ts'

let area: Awaited<ReturnType<typeof createDatasetsTest>>
let app: ReturnType<typeof datasetRoutes>
beforeAll(async () => {
  area = await createDatasetsTest()
  app = datasetRoutes(area.context, { access })
})
afterAll(() => area.close())

async function post(path: string, files: Files) {
  const headers = { 'content-type': 'application/x-tar' }
  const response = await app.request(path, { method: 'POST', headers, body: await tarOf(files) })
  return { status: response.status, body: await response.json() }
}
const get = async (path: string) => {
  const response = await app.request(path)
  return { status: response.status, body: await response.json() }
}

/** A dataset of as many images. */
function shapes(count: number): Files {
  const names = Array.from({ length: count }, (_, index) => `images/${index}.png`)
  return {
    'annotations.json': dice(names.map((file_name) => ({ file_name }))),
    ...Object.fromEntries(names.map((name, index) => [name, png(index + 1)])),
  }
}

async function register(name: string, ...counts: number[]): Promise<Dataset> {
  const [first = 1, ...others] = counts
  const { body } = await post(`/v1/datasets?name=${name}`, shapes(first))
  for (const count of others) await post(`/v1/datasets/${body.id}/versions?message=${count}+images`, shapes(count))
  return body
}

test('each upload of other files is the next version; the id names the latest, and a number names any', async () => {
  const { id, version } = await register('numbered', 1)
  expect(version).toBe(1)
  const second = await post(`/v1/datasets/${id}/versions?message=one+more`, shapes(2))
  expect(second).toMatchObject({ status: 201, body: { id, version: 2, message: 'one more', name: 'numbered' } })
  for (const [name, number, images] of [
    [id, 2, 2],
    [`${id}@latest`, 2, 2],
    [`${id}%401`, 1, 1],
    [`${id}@2`, 2, 2],
  ] as const) {
    expect((await get(`/v1/datasets/${name}`)).body).toMatchObject({ id, version: number, counts: { images } })
    expect((await get(`/v1/datasets/${name}/images`)).body.images).toHaveLength(images)
    expect((await get(`/v1/datasets/${name}/files`)).body.files).toHaveLength(images)
    expect((await get(`/v1/datasets/${name}/classes`)).body.classes[0]).toMatchObject({ name: 'square', images })
  }
  expect((await app.request(`/v1/datasets/${id}@1/picture?path=images/1.png`)).status).toBe(404)
  expect((await app.request(`/v1/datasets/${id}/picture?path=images/1.png`)).status).toBe(200)
  for (const name of [`${id}@3`, `${id}@0`, `${id}@first`, `${id}@`, `${id}@1@1`])
    expect([name, (await get(`/v1/datasets/${name}`)).status]).toEqual([name, 404])
  const { datasets } = DatasetList.parse((await get('/v1/datasets')).body)
  expect(datasets.filter((one) => one.id === id).map((one) => one.version)).toEqual([2])
})

test('files that a version has already get no other number', async () => {
  const { id } = await register('same', 1, 2)
  for (const [count, version] of [
    [2, 2],
    [1, 1],
  ] as const)
    expect(await post(`/v1/datasets/${id}/versions?message=again`, shapes(count))).toMatchObject({
      status: 200,
      body: { id, version },
    })
  expect((await post(`/v1/datasets?name=same`, shapes(2))).body).toMatchObject({ id, version: 2 })
  expect((await get(`/v1/datasets/${id}/versions`)).body.versions).toHaveLength(2)
})

test('uploads at the same time get one number each, without a gap', async () => {
  const { id } = await register('at once', 1)
  const answers = await Promise.all([2, 3, 4, 5].map((count) => post(`/v1/datasets/${id}/versions`, shapes(count))))
  expect(answers.map(({ body }) => body.version).toSorted()).toEqual([2, 3, 4, 5])
})

test('versions are listed in pages, newest first', async () => {
  const { id } = await register('paged', 1, 2, 3)
  const first = DatasetVersionList.parse((await get(`/v1/datasets/${id}/versions?limit=2`)).body)
  expect(first.versions.map(({ version, message }) => [version, message])).toEqual([
    [3, '3 images'],
    [2, '2 images'],
  ])
  const second = await get(`/v1/datasets/${id}/versions?limit=2&cursor=${encodeURIComponent(first.nextCursor ?? '')}`)
  expect(DatasetVersionList.parse(second.body)).toEqual({ versions: [expect.objectContaining({ version: 1 })] })
})

test('a version is for the task of its dataset', async () => {
  const { id } = await register('one task', 1)
  const other = await post(`/v1/datasets/${id}/versions`, { 'train/cat/1.png': png(1), 'val/cat/2.png': png(2) })
  expect(Problem.parse(other.body).detail).toContain('these files are for "classification"')
  expect(other.status).toBe(400)
  expect((await get(`/v1/datasets/${id}/versions`)).body.versions).toHaveLength(1)
  expect((await post('/v1/datasets/ds_none/versions', shapes(2))).status).toBe(404)
})

test('a job takes the version that it names, and a dataset goes with all of them', async () => {
  const { id } = await register('for jobs', 1, 2)
  const old = await createSnapshot(area.context, `${id}@1`, DEFAULT_PROJECT_ID)
  const latest = await createSnapshot(area.context, id, DEFAULT_PROJECT_ID)
  expect([old, latest]).toMatchObject([
    { datasetId: id, version: 1, counts: { images: 1 } },
    { datasetId: id, version: 2, counts: { images: 2 } },
  ])
  const { snapshots } = SnapshotList.parse((await get(`/v1/snapshots?dataset=${id}`)).body)
  expect(snapshots.map(({ datasetId, version }) => [datasetId, version])).toEqual(
    expect.arrayContaining([
      [id, 1],
      [id, 2],
    ]),
  )
  const refused = await app.request(`/v1/datasets/${id}@1`, { method: 'DELETE' })
  expect(refused.status).toBe(400)
  expect((await app.request(`/v1/datasets/${id}`, { method: 'DELETE' })).status).toBe(204)
  const keys = (await area.keys()).filter(
    (key) => key.includes(latest.versionId) || key.includes(id) || key.includes(old.id) || key.includes(latest.id),
  )
  expect(keys).toEqual([])
  expect((await get(`/v1/datasets/${id}@2`)).status).toBe(404)
})

test('what was registered before versions existed is version 1 of its own dataset', async () => {
  const names = Object.keys(runnerMigrations)
  const before = names.slice(0, names.indexOf('20261130T0610-dataset-versions'))
  const database = await createTestDatabase({
    migrations: Object.fromEntries(before.map((name) => [name, runnerMigrations[name] ?? { up: async () => {} }])),
  })
  try {
    for (const id of ['ds_a', 'ds_b'])
      await sql`
        insert into datasets (id, project_id, name, format, task_type, classes, counts, size_bytes, version_hash)
        values (${id}, 'prj', 'twice', 'dice', 'detection', '[]', '{}', 1, ${id})`.execute(database.db)
    const migration = runnerMigrations['20261130T0610-dataset-versions']
    await database.transaction((trx) => migration?.up(trx) ?? Promise.resolve())
    const { rows } = await sql`select id, series_id, version, message from datasets order by id`.execute(database.db)
    expect(rows).toEqual([
      { id: 'ds_a', series_id: 'ds_a', version: 1, message: null },
      { id: 'ds_b', series_id: 'ds_b', version: 1, message: null },
    ])
  } finally {
    await database.drop()
  }
})
