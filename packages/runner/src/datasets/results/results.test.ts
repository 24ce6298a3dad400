import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatasetVersionDiff, DatasetVersionReport, type TargetFormat } from '@trainyard/contract'
import { convertDataset } from '@trainyard/datasets'
import { readTar } from '@trainyard/platform'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { findVersion } from '../catalog/find-version.ts'
import { datasetRoutes } from '../index.ts'
import { access, createDatasetsTest, dice, exampleFiles, png, tarOf } from '../testing/test-datasets.ts'
import { collectResults } from './collect-results.ts'
import { DatasetResults } from './results.ts'

let area: Awaited<ReturnType<typeof createDatasetsTest>>
let app: ReturnType<typeof datasetRoutes>
let id: string
beforeAll(async () => {
  area = await createDatasetsTest()
  app = datasetRoutes(area.context, { access })
  id = (await post('/v1/datasets?name=shapes', exampleFiles())).id
  await post(`/v1/datasets/${id}/versions`, {
    'annotations.json': dice([
      { file_name: 'images/a.png', split: 'train' },
      { file_name: 'images/b.png', annotations: [{ id: 1, class_id: 1, bbox: [1, 1, 4, 3] }] },
      { file_name: 'images/moved.png' },
      { file_name: 'images/new.png' },
    ]),
    'images/a.png': png(1),
    'images/b.png': png(20),
    'images/moved.png': png(3),
    'images/new.png': png(5),
  })
})
afterAll(() => area.close())

async function post(path: string, files: Parameters<typeof tarOf>[0]): Promise<{ id: string }> {
  const headers = { 'content-type': 'application/x-tar' }
  const response = await app.request(path, { method: 'POST', headers, body: await tarOf(files) })
  expect(response.status).toBe(201)
  return (await response.json()) as { id: string }
}

/** Asks until the result exists. */
async function get(path: string): Promise<Response> {
  for (;;) {
    const response = await app.request(path)
    if (response.status !== 202) return response
    expect(response.headers.get('retry-after')).toBe('3')
  }
}

async function namesIn(response: Response): Promise<string[]> {
  const names: string[] = []
  for await (const { name, type } of readTar(response.body ?? new ReadableStream()))
    if (type === 'file') names.push(name)
  return names.toSorted()
}

test('the difference between two versions names images, splits and boxes', async () => {
  const response = await get(`/v1/datasets/${id}/diff`)
  const diff = DatasetVersionDiff.parse(await response.json())
  expect(diff).toMatchObject({
    from: 1,
    to: 2,
    images: {
      common: 3,
      added: ['images/new.png'],
      removed: ['images/unlabelled.png'],
      renamed: [{ from: 'images/deep/c.png', to: 'images/moved.png' }],
      repainted: ['images/b.png'],
    },
    changes: [{ path: 'images/b.png', moved: [{ className: 'square', iou: 0.75 }] }],
    counts: { added: 1, removed: 1, renamed: 1, repainted: 1, changed: 1 },
  })
  expect(diff.images.moved).toContainEqual({ path: 'images/a.png', from: 'test', to: 'train' })
  expect((await get(`/v1/datasets/${id}@1/diff?from=2`)).status).toBe(200)
  expect((await get(`/v1/datasets/${id}@1/diff`)).status).toBe(400)
  expect((await get(`/v1/datasets/${id}/diff?from=9`)).status).toBe(404)
})

test.each<TargetFormat>(['dice', 'coco', 'yolo', 'voc', 'labelme', 'huggingface', 'dota'])(
  'versions of the format %s are compared and described without the pixels of their images',
  async (format) => {
    const folder = await mkdtemp(join(tmpdir(), 'trainyard-results-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const filesOf = async (name: string, boxes: Record<string, number[]>) => {
      const [source, target] = [join(folder, `${name}-source`), join(folder, name)]
      await mkdir(join(source, 'images'), { recursive: true })
      const annotated = Object.entries(boxes).map(([file, bbox]) => ({
        file_name: `images/${file}.png`,
        split: 'train',
        width: 64,
        height: 48,
        annotations: [{ id: 1, class_id: 1, bbox }],
      }))
      await writeFile(join(source, 'annotations.json'), dice(annotated))
      for (const [index, file] of Object.keys(boxes).entries())
        await writeFile(join(source, `images/${file}.png`), png(index, 64, 48))
      await convertDataset({ source, to: format, target, task: format === 'dota' ? 'obb' : undefined })
      const entries = await readdir(target, { recursive: true, withFileTypes: true })
      const files: Record<string, Buffer> = {}
      for (const entry of entries.filter((each) => each.isFile())) {
        const path = join(entry.parentPath, entry.name)
        files[path.slice(target.length + 1)] = await readFile(path)
      }
      return files
    }
    const first = await filesOf('first', { a: [4, 4, 20, 20], b: [8, 8, 16, 16], c: [0, 0, 32, 32] })
    const { id: dataset } = await post(`/v1/datasets?name=${format}&format=${format}`, first)
    const second = await filesOf('second', { a: [6, 4, 20, 20], b: [8, 8, 16, 16] })
    await post(`/v1/datasets/${dataset}/versions?format=${format}`, second)
    const diff = DatasetVersionDiff.parse(await (await get(`/v1/datasets/${dataset}/diff`)).json())
    expect(diff).toMatchObject({ images: { common: 2 }, counts: { added: 0, removed: 1, changed: 1 } })
    const report = DatasetVersionReport.parse(await (await get(`/v1/datasets/${dataset}@1/report`)).json())
    expect(report).toMatchObject({ images: 3, labelled: 3, annotations: 3 })
    expect(report.statistics.imageSizes).toEqual([{ width: 64, height: 48, images: 3 }])
  },
)

test('the report has the counts of the version, and is also a page that can run nothing', async () => {
  const report = DatasetVersionReport.parse(await (await get(`/v1/datasets/${id}@1/report`)).json())
  expect(report).toMatchObject({ images: 4, labelled: 3, annotations: 3 })
  expect(report.statistics.imageSizes).toEqual([{ width: 8, height: 8, images: 4 }])
  const page = await get(`/v1/datasets/${id}@1/report?as=html`)
  expect(page.headers.get('content-security-policy')).toContain('sandbox')
  expect(await page.text()).toContain('<title>shapes@1: dataset report</title>')
})

test('a version is downloaded as its own files, and in another format with its images', async () => {
  expect(await namesIn(await get(`/v1/datasets/${id}@1/download`))).toEqual([
    'annotations.json',
    'images/a.png',
    'images/b.png',
    'images/deep/c.png',
    'images/unlabelled.png',
  ])
  const coco = await get(`/v1/datasets/${id}/download?as=coco`)
  expect(coco.headers.get('content-disposition')).toBe('attachment; filename="shapes-2-coco.tar"')
  const names = await namesIn(coco)
  expect(names.filter((name) => name.endsWith('.png'))).toHaveLength(4)
  expect(names.some((name) => name.endsWith('.json') && !name.includes('trainyard'))).toBe(true)
})

test('what a format cannot hold is said in the tar, and an unknown format is refused', async () => {
  expect(await namesIn(await get(`/v1/datasets/${id}/download?as=imagefolder`))).toContain('conversion-losses.json')
  const refused = await get(`/v1/datasets/${id}/download?as=${encodeURIComponent("';--")}`)
  expect(refused.status).toBe(400)
  expect(await refused.text()).toMatch(/as must be one of .*coco.*yolo/)
})

/** The store of the area with another method. */
function storeWith(name: 'get' | 'put', method: unknown): typeof area.store {
  return new Proxy(area.store, {
    get(store, key) {
      const value: unknown = key === name ? method : Reflect.get(store, key)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
}

test('a store that takes nothing fails the result, and not the process', async () => {
  const store = storeWith('put', () => Promise.reject(new Error('the store is away')))
  const results = new DatasetResults({ ...area.context, store })
  const row = await findVersion(area.context.database.db, `${id}@1`)
  await expect(results.download(row, 'voc')).rejects.toThrow('the store is away')
})

test('a request does not wait for a slow result, and a project has at most three at a time', async () => {
  const held = Promise.withResolvers<void>()
  const store = storeWith('get', async (...input: Parameters<typeof area.store.get>) => {
    await held.promise
    return await area.store.get(...input)
  })
  const results = new DatasetResults({ ...area.context, store }, { waitMs: 0 })
  const row = await findVersion(area.context.database.db, `${id}@1`)
  for (const format of ['coco', 'voc', 'labelme'] as const)
    expect(await results.download(row, format), format).toBeUndefined()
  // Another question for the same result is not another result.
  expect(await results.download(row, 'coco')).toBeUndefined()
  await expect(results.download(row, 'imagefolder')).rejects.toMatchObject({ code: 'rate_limited' })
  held.resolve()
  await expect.poll(() => results.download(row, 'labelme'), { timeout: 30_000 }).toMatch(/labelme\.tar$/)
  await expect
    .poll(() => results.download(row, 'imagefolder').catch(() => undefined), { timeout: 30_000 })
    .toMatch(/imagefolder\.tar$/)
})

test('a report is made once for both of its forms', async () => {
  await get(`/v1/datasets/${id}/report?as=html`)
  const { db } = area.context.database
  const row = await findVersion(db, id)
  const names = await db.selectFrom('dataset_results').select('name').where('dataset_id', '=', row.id).execute()
  expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining(['report.html', 'report.json']))
})

test('a dataset that is deleted while its result is made leaves nothing', async () => {
  const { id: other } = await post('/v1/datasets?name=gone', exampleFiles())
  const row = await findVersion(area.context.database.db, other)
  const stored = Promise.withResolvers<void>()
  const deleted = Promise.withResolvers<void>()
  const store = storeWith('put', async (...input: Parameters<typeof area.store.put>) => {
    await area.store.put(...input)
    stored.resolve()
    await deleted.promise
  })
  const results = new DatasetResults({ ...area.context, store })
  const result = expect(results.download(row, 'coco')).rejects.toThrow()
  await stored.promise
  expect((await app.request(`/v1/datasets/${other}`, { method: 'DELETE' })).status).toBe(204)
  deleted.resolve()
  await result
  expect((await area.keys()).filter((key) => key.includes(row.id))).toEqual([])
})

test('results are kept, and go after a week without use or with their dataset', async () => {
  const keys = async () => (await area.keys()).filter((key) => key.startsWith('results/'))
  await get(`/v1/datasets/${id}/download?as=yolo`)
  expect((await keys()).filter((key) => key.endsWith('yolo.tar'))).toHaveLength(1)
  await collectResults(area.context)
  expect((await keys()).length).toBeGreaterThan(0)
  area.clock.advance(8 * 24 * 3600 * 1000)
  await get(`/v1/datasets/${id}/download?as=yolo`)
  await collectResults(area.context)
  expect((await keys()).map((key) => key.split('/').at(-1))).toEqual(['yolo.tar'])
  expect(await area.scratch()).toEqual([])
  expect((await app.request(`/v1/datasets/${id}`, { method: 'DELETE' })).status).toBe(204)
  expect(await keys()).toEqual([])
})
