import { type CreateJobInput, DatasetFilesPage, DatasetManifest, Problem, SnapshotList } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runMaintenance } from '../maintenance/run-maintenance.ts'
import { type Harness, isOver, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { dice, png, tarOf } from './testing/test-datasets.ts'

let harness: Harness
let datasetId: string
const names = Array.from({ length: 20 }, (_, index) => `images/${String(index).padStart(2, '0')}.png`)
const images = Object.fromEntries(names.map((name, index) => [name, png(index)]))
const annotations = dice(
  names.map((file_name, index) => ({
    file_name,
    annotations: [{ class_id: index % 2, bbox: [1, 1, 4, 4] }],
    split: index === 0 ? 'test' : undefined,
  })),
  { task_type: 'classification' },
)

beforeAll(async () => {
  harness = await startHarness({
    start: true,
    runner: { launcher: noLauncher },
    config: { maxConcurrentJobs: 100, datasetSources: [{ prefix: 'shared/' }] },
  })
  const body = await tarOf({ 'annotations.json': annotations, ...images })
  const response = await harness.request('/v1/datasets?name=split', {
    method: 'POST',
    headers: { 'content-type': 'application/x-tar' },
    body,
  })
  datasetId = ((await response.json()) as { id: string }).id
})
afterAll(() => harness.close())

async function splitsOf(split: CreateJobInput['split'], dataset = datasetId) {
  const journal = await openJournal(harness, { dataset, split })
  const manifest = DatasetManifest.parse(await (await journal.get('/dataset')).json())
  const read = async (query = '') =>
    new Map(
      DatasetFilesPage.parse(await (await journal.get(`/dataset/files${query}`)).json()).files.map((file) => [
        file.path,
        file.split,
      ]),
    )
  return { journal, manifest, splits: await read(), datasets: await read('?splits=dataset') }
}

describe('splits of a job', () => {
  it('are those of the dataset, or follow from the hash of the path, when the job requests none', async () => {
    const { manifest, splits } = await splitsOf(undefined)
    expect(manifest.split).toEqual({ origin: 'dataset' })
    expect(splits.get('images/00.png')).toBe('test')
  })

  it('override the dataset’s, by ratios and stratified; equal requests share a split', async () => {
    const request = { ratios: { train: 0.5, val: 0.3, test: 0.2 }, seed: 'a', stratify: true }
    const { manifest, splits, datasets } = await splitsOf(request)
    expect(manifest.split).toMatchObject({ origin: 'job' })
    expect(manifest.counts.splits).toEqual({ train: 10, val: 6, test: 4 })
    const ofClass = (parity: number) =>
      names.filter((name, index) => index % 2 === parity && splits.get(name) === 'train')
    expect([ofClass(0).length, ofClass(1).length]).toEqual([5, 5])
    expect(datasets.get('images/00.png')).toBe('test')
    const again = await splitsOf({ ...request, ratios: { test: 0.2, train: 0.5, val: 0.3 } })
    expect(again.manifest.split).toEqual(manifest.split)
    expect(again.splits).toEqual(splits)
    expect((await splitsOf({ ...request, seed: 'b' })).splits).not.toEqual(splits)
    expect((await splitsOf({ ...request, keep: true })).splits.get('images/00.png')).toBe('test')
  })

  it('can be lists of images; the other images keep their split', async () => {
    const { splits, datasets } = await splitsOf({ val: ['images/00.png', 'images/07.png'] })
    expect([splits.get('images/00.png'), splits.get('images/07.png')]).toEqual(['val', 'val'])
    for (const name of names.slice(8)) expect(splits.get(name)).toBe(datasets.get(name))
  })

  it.each<[object, string, string]>([
    [{ ratios: { train: 0.5, val: 0.5, test: 0.5 } }, 'split.ratios', 'add up to 1'],
    [{ ratios: { train: 0, val: 1, test: 0 } }, 'split', 'leave an image for training'],
    [{ val: ['images/none.png'] }, 'split.val[0]', 'must be an image of the dataset'],
    [{ val: ['images/01.png'], test: ['images/01.png'] }, 'split.test[0]', 'named once'],
    [{ val: [] }, 'split', 'must name 1 to'],
    [{ parts: 3 }, 'split', ''],
  ])('%j is refused', async (split, path, detail) => {
    const response = await harness.post('/v1/jobs', { trainer: 'acme/plain', dataset: datasetId, split })
    expect([400, 422]).toContain(response.status)
    const problem = Problem.parse(await response.json())
    expect(problem.issues?.[0]?.path).toContain(path.split('[')[0])
    expect(problem.issues?.[0]?.detail).toContain(detail)
  })
})

describe('splits of a job in the next version of a dataset', () => {
  const upload = async (path: string, files: readonly string[], pixels: (index: number) => number) => {
    const records = files.map((file_name, index) => ({
      file_name,
      // A long tail: most classes have a few images.
      annotations: [{ class_id: Math.floor(Math.log2(index + 1)), bbox: [1, 1, 4, 4] }],
    }))
    const classes = Array.from({ length: 8 }, (_, id) => ({ id, name: `class ${id}` }))
    const response = await harness.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-tar' },
      body: await tarOf({
        'annotations.json': dice(records, { task_type: 'classification', classes }),
        ...Object.fromEntries(files.map((name, index) => [name, png(pixels(index))])),
      }),
    })
    return (await response.json()) as { id: string }
  }
  const numbered = (count: number) => Array.from({ length: count }, (_, index) => `images/${index}.png`)

  it('move no image that an earlier job had, and give the others one', async () => {
    const request = { ratios: { train: 0.6, val: 0.2, test: 0.2 }, stratify: true }
    const { id } = await upload('/v1/datasets?name=grows', numbered(100), (index) => index)
    const first = await splitsOf(request, id)
    await upload(
      `/v1/datasets/${id}/versions`,
      ['images/0-new.png', 'images/zz.png', ...numbered(103)],
      (index) => index,
    )
    const second = await splitsOf(request, id)
    expect(second.splits.size).toBe(105)
    for (const [path, split] of first.splits) expect([path, second.splits.get(path)]).toEqual([path, split])
    // The first version gives the same splits again.
    expect((await splitsOf(request, `${id}@1`)).splits).toEqual(first.splits)
  })

  it('keep images with the same bytes together', async () => {
    const { id } = await upload('/v1/datasets?name=copies', numbered(60), (index) => index % 30)
    const { splits } = await splitsOf({ ratios: { train: 0.5, val: 0.3, test: 0.2 } }, id)
    for (let index = 0; index < 30; index++)
      expect([index, splits.get(`images/${index}.png`)]).toEqual([index, splits.get(`images/${index + 30}.png`)])
  })
})

it('an unknown dataset and a wrong setting are reported together', async () => {
  const response = await harness.post('/v1/jobs', { trainer: 'acme/plain', dataset: 'ds_none', config: { epochs: -1 } })
  const { issues } = Problem.parse(await response.json())
  expect(issues?.map(({ path }) => path)).toEqual(expect.arrayContaining(['dataset', 'config.epochs']))
})

it('a job whose source has changed ends with dataset_changed and lists the files', async () => {
  const { store } = harness.runner.context
  await store.put('shared/one/annotations.json', Buffer.from(annotations))
  for (const [path, bytes] of Object.entries(images)) await store.put(`shared/one/${path}`, bytes)
  const response = await harness.post('/v1/datasets', { name: 'shared', source: { prefix: 'shared/one/' } })
  expect(response.status).toBe(201)
  const { id } = (await response.json()) as { id: string }
  await store.put('shared/one/images/03.png', png(99))
  const job = await harness.waitFor((await harness.createJob({ dataset: id })).id, isOver)
  expect(job).toMatchObject({ state: 'failed', endReason: 'dataset_changed', attempt: 1 })
  expect(job.error?.message).toContain('1 file differs (changed: images/03.png)')
})

it('snapshots are listed with their number of jobs, and deleted when no job uses them', async () => {
  const { database } = harness.runner.context
  const list = async () =>
    SnapshotList.parse(await (await harness.request(`/v1/snapshots?dataset=${datasetId}`)).json()).snapshots
  const [snapshot] = await list()
  expect(snapshot?.jobs).toBeGreaterThan(3)
  const id = snapshot?.id ?? ''
  expect(await (await harness.request(`/v1/snapshots/${id}`)).json()).toEqual(snapshot)
  const age = () =>
    database.db
      .updateTable('dataset_snapshots')
      .set({ created_at: new Date(0) })
      .where('id', '=', id)
      .execute()
  await age()
  await runMaintenance(harness.runner.context)
  expect(await list()).toHaveLength(1)
  await database.db.updateTable('jobs').set({ snapshot_id: null }).where('snapshot_id', '=', id).execute()
  await runMaintenance(harness.runner.context)
  expect(await list()).toEqual([])
  expect((await harness.request(`/v1/snapshots/${id}`)).status).toBe(404)
  const keys: string[] = []
  for await (const { key } of harness.runner.context.store.list(`snapshots/${id}/`)) keys.push(key)
  expect(keys).toEqual([])
})

it('a deletion that failed is finished by the next maintenance run', async () => {
  const { database, store } = harness.runner.context
  await store.put('datasets/ds_half/images/a.png', png(1))
  await database.db.insertInto('pending_deletions').values({ prefix: 'datasets/ds_half/', upload_id: '' }).execute()
  await runMaintenance(harness.runner.context)
  expect(await store.find('datasets/ds_half/images/a.png')).toBeUndefined()
  expect(await database.db.selectFrom('pending_deletions').selectAll().execute()).toEqual([])
})
