import { DatasetManifest } from '@trainyard/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteDataset } from '../catalog/delete-dataset.ts'
import { createSnapshot, getDatasetManifest, listDatasetFiles } from '../index.ts'
import { registerDataset } from '../registration/register-dataset.ts'
import { createDatasetsTest, exampleFiles, png, tarOf } from '../testing/test-datasets.ts'

let area: Awaited<ReturnType<typeof createDatasetsTest>>
beforeAll(async () => {
  area = await createDatasetsTest()
})
afterAll(() => area.close())

async function register(name: string) {
  const bytes = await tarOf(exampleFiles())
  async function* body() {
    yield bytes
  }
  return (await registerDataset(area.context, { projectId: 'prj_default', name, body: body() })).dataset
}

test('a snapshot copies the annotation file, references the images, and is reused for the same content', async () => {
  const dataset = await register('shapes')
  const before = await area.keys()
  const snapshots = await Promise.all([1, 2, 3].map(() => createSnapshot(area.context, dataset.id, 'prj_default')))
  const [snapshot] = snapshots
  expect(new Set(snapshots.map(({ id }) => id)).size).toBe(1)
  expect(snapshot).toMatchObject({ datasetId: dataset.id, versionHash: dataset.versionHash, counts: dataset.counts })
  const added = (await area.keys()).filter((key) => !before.includes(key))
  expect(added).toEqual([`snapshots/${snapshot?.id}/annotations.json`])
  expect((await createSnapshot(area.context, dataset.id, 'prj_default')).id).toBe(snapshot?.id)
})

test('the manifest of a snapshot follows the contract, and its annotation file can be downloaded', async () => {
  const dataset = await register('manifest')
  const snapshot = await createSnapshot(area.context, dataset.id, 'prj_default')
  const manifest = DatasetManifest.parse(await getDatasetManifest(area.context, snapshot.id))
  expect(manifest).toMatchObject({
    datasetId: dataset.id,
    snapshotId: snapshot.id,
    versionHash: dataset.versionHash,
    name: 'manifest',
    format: 'dice',
    taskType: 'detection',
    counts: dataset.counts,
    annotationFiles: [{ path: 'annotations.json' }],
  })
  const [file] = manifest.annotationFiles
  const response = await area.store.app.request(file?.request.url ?? '')
  expect(await response.text()).toBe(exampleFiles()['annotations.json'])
})

test('the files of a snapshot are the labelled images; its pages list each once', async () => {
  const snapshot = await createSnapshot(area.context, (await register('files')).id, 'prj_default')
  const paths: string[] = []
  let cursor: string | undefined
  do {
    const page = await listDatasetFiles(area.context, snapshot.id, { limit: 1, cursor })
    paths.push(...page.files.map(({ path }) => path))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  expect(paths).toEqual(['images/a.png', 'images/b.png', 'images/deep/c.png'])
  const all = await listDatasetFiles(area.context, snapshot.id, { all: true })
  expect(all.files).toHaveLength(4)
  await expect(listDatasetFiles(area.context, snapshot.id, { cursor: '!!' })).rejects.toMatchObject({
    code: 'invalid_request',
  })
})

test('a deleted dataset has no snapshots', async () => {
  const dataset = await register('gone')
  const snapshot = await createSnapshot(area.context, dataset.id, 'prj_default')
  await deleteDataset(area.context, dataset.id)
  await expect(createSnapshot(area.context, dataset.id, 'prj_default')).rejects.toMatchObject({ code: 'not_found' })
  await expect(getDatasetManifest(area.context, snapshot.id)).rejects.toMatchObject({ code: 'not_found' })
  await expect(listDatasetFiles(area.context, snapshot.id)).rejects.toMatchObject({ code: 'not_found' })
})

test('thousands of small images are registered and listed with signed URLs within seconds', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [`train/class-${index % 10}/${index}.png`, png(index)]),
  )
  const bytes = await tarOf(files)
  async function* body() {
    yield bytes
  }
  const { dataset } = await registerDataset(area.context, { projectId: 'prj_default', name: 'many', body: body() })
  expect(dataset.counts.images).toBe(2_000)
  const snapshot = await createSnapshot(area.context, dataset.id, 'prj_default')
  const page = await listDatasetFiles(area.context, snapshot.id, { limit: 5_000 })
  expect(new Set(page.files.map(({ url }) => url)).size).toBe(2_000)
}, 20_000)
