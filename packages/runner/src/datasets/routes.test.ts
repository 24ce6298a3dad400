import { createHash } from 'node:crypto'
import { type Dataset, DatasetFilesPage, DatasetList, Problem } from '@trainyard/contract'
import { hashSplit } from '@trainyard/datasets'
import { overrideStore } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSnapshot, datasetRoutes } from './index.ts'
import {
  access,
  createDatasetsTest,
  dice,
  exampleFiles,
  type Files,
  png,
  tarGzOf,
  tarOf,
} from './testing/test-datasets.ts'

let area: Awaited<ReturnType<typeof createDatasetsTest>>
let app: ReturnType<typeof datasetRoutes>
let liveJobs: number[] = []
beforeAll(async () => {
  area = await createDatasetsTest()
  app = datasetRoutes(area.context, { access, findLiveJobs: async () => liveJobs })
})
afterAll(() => area.close())

async function upload(name: string, body: Uint8Array<ArrayBuffer> | string | undefined, more = '') {
  const response = await app.request(`/v1/datasets?name=${encodeURIComponent(name)}${more}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: body ?? null,
  })
  return { status: response.status, body: await response.json() }
}

async function register(name: string, files: Files): Promise<Dataset> {
  const { status, body } = await upload(name, await tarOf(files))
  expect(status, JSON.stringify(body)).toBe(201)
  return body
}

async function refuse(files: Files, name = 'refused'): Promise<Problem> {
  const { status, body } = await upload(name, await tarOf(files), '&strict=true')
  expect(status, JSON.stringify(body)).toBe(422)
  return Problem.parse(body)
}

async function getFiles(id: string, query = ''): Promise<DatasetFilesPage> {
  const response = await app.request(`/v1/datasets/${id}/files${query}`)
  return DatasetFilesPage.parse(await response.json())
}

test('registers a DICE dataset from a tar.gz and describes it', async () => {
  const { status, body } = await upload('shapes', await tarGzOf(exampleFiles()))
  expect(status).toBe(201)
  const splits = { train: 0, val: 1, test: 1 }
  splits[hashSplit('images/b.png')] += 1
  splits[hashSplit('images/unlabelled.png')] += 1
  expect(body).toMatchObject({
    name: 'shapes',
    format: 'dice',
    taskType: 'detection',
    classes: [
      { id: 0, name: 'circle', color: '#ff0000' },
      { id: 1, name: 'square' },
    ],
    counts: { images: 4, labelled: 3, annotations: 3, splits },
    createdAt: '2026-11-20T09:30:00.000Z',
  })
  expect((await area.keys()).filter((key) => key.startsWith(`datasets/${body.id}/`))).toEqual([
    `datasets/${body.id}/annotations.json`,
    `datasets/${body.id}/images/a.png`,
    `datasets/${body.id}/images/b.png`,
    `datasets/${body.id}/images/deep/c.png`,
    `datasets/${body.id}/images/unlabelled.png`,
  ])
  const got = await app.request(`/v1/datasets/${body.id}`)
  expect(await got.json()).toEqual(body)
  expect(await area.scratch()).toEqual([])
})

test('lists the files of a dataset page by page; their signed URLs return the bytes', async () => {
  const { id } = await register('pages', exampleFiles())
  const first = await getFiles(id, '?limit=2')
  const second = await getFiles(id, `?limit=2&cursor=${first.nextCursor}`)
  expect(second.nextCursor).toBeUndefined()
  const files = [...first.files, ...second.files]
  expect(files.map(({ path, split }) => [path, split])).toEqual([
    ['images/a.png', 'test'],
    ['images/b.png', hashSplit('images/b.png')],
    ['images/deep/c.png', 'val'],
  ])
  for (const file of files) {
    const response = await area.store.app.request(file.url)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(bytes.length).toBe(file.sizeBytes)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256)
  }
  const all = await getFiles(id, '?all=true')
  expect(all.files.map(({ path }) => path)).toContain('images/unlabelled.png')
})

test('the same content under the same name is the same dataset, in any archive', async () => {
  const first = await register('twice', exampleFiles())
  const before = await area.keys()
  const { 'README.md': _, ...files } = exampleFiles()
  const reversed = Object.fromEntries(Object.entries(files).reverse())
  const wrapped = Object.fromEntries(Object.entries(files).map(([path, content]) => [`folder/${path}`, content]))
  for (const same of [reversed, wrapped])
    expect(await upload('twice', await tarGzOf(same))).toEqual({ status: 200, body: first })
  expect(await area.keys()).toEqual(before)
  const renamed = await register('another name', files)
  expect(renamed.id).not.toBe(first.id)
  expect(renamed.versionHash).toBe(first.versionHash)
  const changed = await register('twice', { ...files, 'images/b.png': png(99) })
  expect(changed.versionHash).not.toBe(first.versionHash)
})

test('the same content uploaded several times at once becomes one dataset', async () => {
  const body = await tarOf(exampleFiles())
  const answers = await Promise.all([1, 2, 3].map(() => upload('at once', body)))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 201])
  const ids = new Set(answers.map((answer) => answer.body.id))
  expect(ids.size).toBe(1)
  const [id] = ids
  const folders = new Set((await area.keys()).map((key) => key.split('/')[1]))
  const rows = await area.context.database.db.selectFrom('datasets').select('id').execute()
  expect(folders).toEqual(new Set(rows.map((row) => row.id)))
  expect(folders).toContain(id)
})

test('registers folders of classes', async () => {
  const dataset = await register('folders', {
    'train/cat/1.png': png(1),
    'train/dog/2.png': png(2),
    'valid/cat/3.png': png(3),
    'test/ant/4.png': png(4),
    'train/.DS_Store': 'junk',
  })
  expect(dataset).toMatchObject({
    format: 'imagefolder',
    taskType: 'classification',
    classes: [
      { id: 0, name: 'ant' },
      { id: 1, name: 'cat' },
      { id: 2, name: 'dog' },
    ],
    counts: { images: 4, labelled: 4, annotations: 4, splits: { train: 2, val: 1, test: 1 } },
  })
})

test('finds images below image_root', async () => {
  const dataset = await register('rooted', {
    'annotations_detection.json': dice([{ file_name: 'a.png' }], { storage_info: { image_root: 'images/' } }),
    'images/a.png': png(),
  })
  expect((await getFiles(dataset.id)).files.map(({ path }) => path)).toEqual(['images/a.png'])
})

test('lists datasets, newest first, page by page', async () => {
  const names: string[] = []
  let cursor: string | undefined
  for (let index = 0; index < 3; index++) {
    area.clock.advance(1000)
    await register(`listed ${index}`, { 'train/a/1.png': png(index) })
  }
  do {
    const response = await app.request(`/v1/datasets?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
    const page = DatasetList.parse(await response.json())
    expect(page.datasets.length).toBeLessThanOrEqual(2)
    names.push(...page.datasets.map(({ name }) => name))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  expect(names.slice(0, 3)).toEqual(['listed 2', 'listed 1', 'listed 0'])
  const rows = await area.context.database.db.selectFrom('datasets').select('id').execute()
  expect(names).toHaveLength(rows.length)
})

test('deletes a dataset with its objects and snapshots, but not while a job uses it', async () => {
  const { id } = await register('to delete', exampleFiles())
  const snapshot = await createSnapshot(area.context, id, 'prj_default')
  liveJobs = [3, 4]
  const refused = await app.request(`/v1/datasets/${id}`, { method: 'DELETE' })
  expect(refused.status).toBe(409)
  expect(await refused.json()).toMatchObject({ code: 'conflict', detail: expect.stringContaining('job 3, 4') })
  expect((await app.request(`/v1/datasets/${id}`)).status).toBe(200)
  liveJobs = []
  expect((await app.request(`/v1/datasets/${id}`, { method: 'DELETE' })).status).toBe(204)
  expect((await app.request(`/v1/datasets/${id}`)).status).toBe(404)
  expect((await app.request(`/v1/datasets/${id}`, { method: 'DELETE' })).status).toBe(404)
  expect((await app.request(`/v1/datasets/${id}/files`)).status).toBe(404)
  expect((await area.keys()).filter((key) => key.includes(id) || key.includes(snapshot.id))).toEqual([])
})

describe('what cannot be used is left out and named, and the rest is a dataset', () => {
  const reasonsOf = ({ losses }: Dataset) => losses.map(({ reason, count }) => `${count} ${reason}`)

  test('images and entries of a DICE file', async () => {
    const whole = Buffer.from(png(11))
    const dataset = await register('spoilt', {
      ...exampleFiles(),
      'annotations.json': dice([
        { file_name: 'images/a.png', split: 'test' },
        { file_name: 'images/b.png', width: 80 },
        { file_name: 'images/deep/c.png', split: 'val', annotations: [{ class_id: 0 }, { class_id: 7 }] },
        { file_name: 'images/none.png' },
        { file_name: '../../etc/passwd' },
        { file_name: 'images/a.png' },
        { file_name: 'images/page.png' },
        { file_name: 'images/cut.png' },
      ]),
      'images/page.png': '<html>not found</html>',
      'images/cut.png': whole.subarray(0, whole.length - 20),
      'images/unlisted.png': '',
    })
    expect(reasonsOf(dataset)).toEqual([
      '1 annotation-of-unknown-class',
      '1 image-duplicate',
      '1 image-missing-file',
      '1 image-size-mismatch',
      '1 image-truncated',
      '2 image-unreadable',
      '1 image-unsafe-path',
    ])
    expect(dataset.losses.flatMap(({ examples }) => examples)).toEqual(
      expect.arrayContaining([
        'Image "images/b.png" is 8 × 8 pixels, but the dataset says 80 × 8',
        'Image "images/cut.png" is cut off: its end is missing',
        expect.stringContaining('images[3].file_name must be the path of an image in the archive'),
      ]),
    )
    // With the image that no entry lists and that is whole.
    expect(dataset.counts).toMatchObject({ images: 3, labelled: 2, annotations: 2 })
    const { files } = await getFiles(dataset.id, '?all=true')
    expect(files.map(({ path }) => path)).toEqual(['images/a.png', 'images/deep/c.png', 'images/unlabelled.png'])
    const snapshot = await createSnapshot(area.context, dataset.id, 'prj_default')
    expect(snapshot.losses).toEqual(dataset.losses)
  })

  test('a folder whose only image is damaged is no class, as trainers read it', async () => {
    const dataset = await register('spoilt folders', {
      'train/ant/1.png': 'no image',
      'train/bee/1.png': png(1),
      'val/bee/2.png': png(2),
    })
    expect(dataset.classes).toEqual([{ id: 0, name: 'bee' }])
    expect(dataset.counts).toMatchObject({ images: 2, labelled: 2, annotations: 2 })
    expect(reasonsOf(dataset)).toEqual(['1 class-dropped', '1 image-unreadable'])
  })

  test.each<[string, Files]>([
    [
      'yolo',
      {
        'classes.txt': 'cat\n',
        'images/1.png': png(1),
        'images/2.png': 'no image',
        'labels/1.txt': '0 .5 .5 1 1\n',
        'labels/2.txt': '0 .5 .5 1 1\n',
      },
    ],
    ['plain', { '1.png': png(1), '2.png': 'no image' }],
  ])('each damaged image is counted once: %s', async (name, files) => {
    const dataset = await register(`once ${name}`, files)
    expect(dataset.counts.images).toBe(1)
    expect(reasonsOf(dataset)).toContain('1 image-unreadable')
  })

  test('a dataset without any image that can be used is refused with an example', async () => {
    const files = { 'train/a/1.png': '', 'train/b/2.png': 'no image' }
    const { status, body } = await upload('hopeless', await tarOf(files))
    expect(status).toBe(422)
    expect(body.detail).toContain('no images that can be used: Image "train/a/1.png" is damaged: it is empty')
  })
})

describe('invalid input is refused with a reason, and nothing is stored', () => {
  const { 'annotations.json': _, ...images } = exampleFiles()
  let before: { keys: string[]; rows: number }
  const count = async () => ({
    keys: await area.keys(),
    rows: (await area.context.database.db.selectFrom('datasets').select('id').execute()).length,
  })
  beforeAll(async () => {
    before = await count()
  })
  afterAll(async () => {
    expect(await count()).toEqual(before)
    expect(await area.scratch()).toEqual([])
  })

  test('corrupt images are listed', async () => {
    const whole = Buffer.from(png(1))
    const example = exampleFiles()
    const problem = await refuse({
      ...example,
      'images/a.png': whole.subarray(0, whole.length - 20),
      'images/b.png': '<html>not found</html>',
      'images/deep/c.png': '',
    })
    expect(problem.detail).toContain('The dice dataset cannot be used')
    const issues = new Map(problem.issues?.map(({ path, detail }) => [path, detail]))
    expect(issues.get('images/a.png')).toContain('is cut off: its end is missing')
    expect(issues.get('images/b.png')).toContain('it starts with the bytes 3c68746d6c3e6e6f')
    expect(issues.get('images/deep/c.png')).toContain('is empty')
  })

  test('a truncated image of several megabytes is listed', async () => {
    const large = Buffer.concat([Buffer.from(png()).subarray(0, 33), Buffer.alloc(5 * 1024 ** 2)])
    const problem = await refuse({ 'train/a/large.png': large })
    expect(problem.issues?.[0]?.path).toBe('train/a/large.png')
    expect(problem.detail).toContain('its end is missing')
  })

  test('a wrong image size is reported with both sizes', async () => {
    const problem = await refuse({
      'annotations.json': dice([{ file_name: 'a.png', width: 16, height: 8 }]),
      'a.png': png(1, 8, 16),
    })
    expect(problem.detail).toContain('Image "a.png" is 8 × 16 pixels, but the dataset says 16 × 8')
  })

  test('annotation errors have the path of their field', async () => {
    const boxes = (annotations: unknown[]) => ({
      ...images,
      'annotations.json': dice([{ file_name: 'images/a.png' }, { file_name: 'images/b.png', annotations }]),
    })
    const unknownClass = await refuse(boxes([{ class_id: 0 }, { class_id: 7 }]))
    expect(unknownClass.issues).toEqual([
      { path: 'images[1].annotations[1].class_id', detail: 'must be the id of a class (0, 1), or -1', value: 7 },
    ])
    expect((await refuse(boxes([{ class_id: 'cat' }]))).issues).toMatchObject([
      { path: 'images[1].annotations[0].class_id', value: 'cat' },
    ])
    expect((await refuse(boxes([{ class_id: 0, bbox: [1, 2, 3] }]))).detail).toContain('images[1].annotations[0].bbox')
    expect((await refuse(boxes([{ class_id: 0, bbox: [1, 2, -3, 4] }]))).detail).toContain('width and height')
  })

  test.each(['../../etc/passwd', '/etc/passwd', 'C:\\x.png', 'images/../../x.png', 'images//a.png'])(
    'file_name %s cannot leave the dataset',
    async (fileName) => {
      const problem = await refuse({ ...images, 'annotations.json': dice([{ file_name: fileName }]) })
      expect(problem.issues).toEqual([
        { path: 'images[0].file_name', detail: expect.stringContaining('stays inside the dataset'), value: fileName },
      ])
    },
  )

  test('an entry of the archive cannot leave its folder', async () => {
    const problem = await refuse({ ...exampleFiles(), '../evil.png': png() })
    expect(problem.detail).toContain('../evil.png')
  })

  test('missing and duplicate images are listed', async () => {
    const names = ['images/a.png', 'images/none.png', 'images/a.png']
    const problem = await refuse({ ...images, 'annotations.json': dice(names.map((name) => ({ file_name: name }))) })
    expect(problem.issues).toMatchObject([
      { path: 'images[1].file_name', value: 'images/none.png' },
      { path: 'images[2].file_name', detail: 'must be unique: another image has it too' },
    ])
  })

  test('twenty of a thousand mistakes are listed, and all are counted', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => ({ file_name: `none-${index}.png` }))
    const problem = await refuse({ ...images, 'annotations.json': dice(names) })
    expect(problem.issues).toHaveLength(20)
    expect(problem.detail).toContain('the first 20 of 1000')
  })

  test.each<[string, Files, string]>([
    ['no images', { 'annotations.json': dice([]) }, 'lists no images'],
    ['nothing', {}, 'The archive is empty'],
    [
      'text that is not JSON',
      { ...images, 'annotations.json': '{"images": [' },
      'annotations.json ends in the middle of "images"',
    ],
    [
      'no classes',
      { ...images, 'annotations.json': '{"format_version":"1","task_type":"classification","images":[]}' },
      'classes',
    ],
    ['an unknown task', { ...images, 'annotations.json': dice([], { task_type: 'line_detection' }) }, 'line_detection'],
    [
      'a COCO file',
      { ...images, 'annotations.json': '{"images":[],"annotations":[],"categories":[]}' },
      'laid out as COCO',
    ],
    [
      'two DICE files',
      { ...exampleFiles(), 'annotations_pose.json': dice([]) },
      'annotations.json and annotations_pose.json',
    ],
    [
      'class ids that repeat',
      {
        ...images,
        'annotations.json': dice([], {
          classes: [
            { id: 0, name: 'a' },
            { id: 0, name: 'b' },
          ],
        }),
      },
      'classes[1].id',
    ],
    [
      'images outside of classes',
      { 'train/a/1.png': png(), 'train/2.png': png() },
      'train/2.png must be in a class folder: train/<class>/',
    ],
  ])('%s', async (_what, files, message) => {
    expect((await refuse(files)).detail).toContain(message)
  })

  test('files of no known format are refused with what was found and what is expected', async () => {
    const problem = await refuse({ 'notes.csv': 'a,b', 'images/train/a.png': png(), 'labels/train/a.txt': '' })
    expect(problem.detail).toContain('notes.csv, images/ (1 file), labels/ (1 file)')
    expect(problem.detail).toContain('annotations.json')
    expect(problem.detail).toContain('train/<class>/')
  })

  test('files of two formats are refused with the evidence for each', async () => {
    const problem = await refuse({ ...exampleFiles(), 'labels/a.txt': '0 .5 .5 1 1' })
    expect(problem.detail).toContain('dice (annotations.json has a task_type)')
    expect(problem.detail).toContain('yolo (labels/a.txt has rows of a class and numbers)')
    expect(problem.detail).toContain('the parameter "format"')
    expect(problem.detail).not.toContain('/tmp')
  })

  test('a body that is not an archive, and an empty body, are refused', async () => {
    const zip = await upload(
      'zip',
      new Uint8Array(Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(2000, 65)])),
    )
    expect(zip).toMatchObject({ status: 422, body: { code: 'unprocessable' } })
    expect(await upload('nothing', undefined)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(await upload('', await tarOf(exampleFiles()))).toMatchObject({
      status: 400,
      body: { issues: [{ path: 'query.name' }] },
    })
  })

  test('a truncated archive is refused', async () => {
    const whole = await tarGzOf(exampleFiles())
    expect(await upload('cut', whole.slice(0, whole.length / 2))).toMatchObject({ status: 422 })
  })

  test.each(['?limit=0', '?limit=5001', '?all=perhaps'])('the query %s is refused', async (query) => {
    const response = await app.request(`/v1/datasets/ds_x/files${query}`)
    expect(response.status).toBe(400)
  })
})

test('nothing remains when the store fails during an upload', async () => {
  const before = await area.keys()
  let puts = 0
  const put: typeof area.context.store.put = (...args) =>
    ++puts > 3 ? Promise.reject(new Error('disk full')) : area.context.store.put(...args)
  const failing = datasetRoutes({ ...area.context, store: overrideStore(area.context.store, { put }) }, { access })
  const body = await tarOf({ ...exampleFiles(), 'images/new.png': png(77) })
  const response = await failing.request('/v1/datasets?name=unlucky', { method: 'POST', body })
  expect(response.status).toBe(500)
  expect(await area.keys()).toEqual(before)
  expect(await area.scratch()).toEqual([])
  expect(await upload('unlucky', body)).toMatchObject({ status: 201 })
})

test('objects of an upload whose process ended are deleted a day later', async () => {
  const { db } = area.context.database
  await area.store.put('datasets/ds_dead/images/a.png', png())
  await db.insertInto('dataset_uploads').values({ id: 'ds_dead', started_at: area.clock.now() }).execute()
  await register('before', { 'train/a/1.png': png(201) })
  expect(await area.keys()).toContain('datasets/ds_dead/images/a.png')
  area.clock.advance(25 * 3600 * 1000)
  await register('after', { 'train/a/1.png': png(202) })
  expect(await area.keys()).not.toContain('datasets/ds_dead/images/a.png')
  expect(await db.selectFrom('dataset_uploads').selectAll().execute()).toEqual([])
})
