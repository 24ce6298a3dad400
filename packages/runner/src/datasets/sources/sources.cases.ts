import { randomUUID } from 'node:crypto'
import { Dataset, Problem } from '@trainyard/contract'
import type { ObjectStore } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatasetChanged } from '../../errors.ts'
import { deleteDataset } from '../catalog/delete-dataset.ts'
import { createSnapshot, datasetRoutes, getDatasetManifest, listDatasetFiles } from '../index.ts'
import { access, createDatasetsTest, dice, png } from '../testing/test-datasets.ts'
import { parseDatasetSources } from './parse-dataset-sources.ts'
import { verifySource } from './verify-source.ts'

export interface SourceUnderTest {
  /** The platform's store. Default: the folder store of the test. */
  store?: ObjectStore
  /** The bucket with the images. Default: the platform's own store. */
  bucket?: string
  fetch(url: string): Promise<Response>
}

/** How datasets in a source behave, for every store. */
export function sourceCases(
  name: string,
  open: (own: ObjectStore & { app?: { request(url: string): Response | Promise<Response> } }) => SourceUnderTest,
): void {
  describe(`datasets in a source: ${name}`, () => {
    let area: Awaited<ReturnType<typeof createDatasetsTest>>
    let under: SourceUnderTest
    let source: ObjectStore
    let app: ReturnType<typeof datasetRoutes>
    const base = `shared-${randomUUID()}`
    let count = 0

    beforeAll(async () => {
      area = await createDatasetsTest()
      under = open(area.store)
      const { bucket, store = area.store } = under
      area.context.store = store
      source = bucket === undefined || store.openBucket === undefined ? store : store.openBucket(bucket)
      const allowed = bucket === undefined ? `store://${base}/` : `s3://${bucket}/${base}/`
      area.context.config = { dataDir: '/tmp', ...area.context.config, datasetSources: parseDatasetSources(allowed) }
      app = datasetRoutes(area.context, { access })
    })
    afterAll(async () => {
      await source?.deletePrefix(`${base}/`)
      await area?.close()
    })

    async function put(files: Record<string, string | Uint8Array>): Promise<string> {
      const prefix = `${base}/${++count}/`
      for (const [path, content] of Object.entries(files))
        await source.put(`${prefix}${path}`, typeof content === 'string' ? Buffer.from(content) : content)
      return prefix
    }
    async function post(prefix: string, rest: object = {}) {
      const where = { bucket: under.bucket, prefix }
      return await app.request('/v1/datasets', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: `source ${count}`, source: where, ...rest }),
      })
    }
    const files = () => ({
      'annotations.json': dice([{ file_name: 'images/a.png', split: 'val' }, { file_name: 'images/b.png' }]),
      'images/a.png': png(1),
      'images/b.png': png(2),
      'images/later.png': png(3),
      'README.md': 'not part of the dataset',
    })
    async function register() {
      const prefix = await put(files())
      const response = await post(prefix)
      expect(response.status, await response.clone().text()).toBe(201)
      const dataset = Dataset.parse(await response.json())
      return { prefix, dataset, snapshot: await createSnapshot(area.context, dataset.id, 'prj_default') }
    }

    it('copies the annotations and references the images', async () => {
      const { prefix, dataset, snapshot } = await register()
      expect(dataset).toMatchObject({
        format: 'dice',
        source: { prefix },
        counts: { images: 3, labelled: 2 },
      })
      const own: string[] = []
      for await (const { key } of area.context.store.list(`datasets/${dataset.id}/`)) own.push(key)
      expect(own).toEqual([`datasets/${dataset.id}/annotations.json`])
      const page = await listDatasetFiles(area.context, snapshot.id)
      expect(page.files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
        ['images/a.png', png(1).length],
        ['images/b.png', png(2).length],
      ])
      const image = await under.fetch(page.files[0]?.url ?? '')
      expect(Buffer.from(await image.arrayBuffer())).toEqual(Buffer.from(png(1)))
      const { annotationFiles } = await getDatasetManifest(area.context, snapshot.id)
      const annotations = await under.fetch(annotationFiles[0]?.request.url ?? '')
      expect(await annotations.text()).toBe(files()['annotations.json'])
      const again = await post(prefix)
      expect([again.status, Dataset.parse(await again.json()).id]).toEqual([200, dataset.id])
      await expect(verifySource(area.context, snapshot.id)).resolves.toBeUndefined()
      await deleteDataset(area.context, dataset.id)
      expect(await source.find(`${prefix}images/a.png`)).toBeDefined()
    })

    it('reads YOLO without the pixels of its images', async () => {
      const prefix = await put({
        'data.yaml': 'path: .\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n',
        'images/train/1.jpg': 'not pixels',
        'images/val/2.jpg': 'not pixels either',
        'labels/train/1.txt': '1 0.5 0.5 0.2 0.2\n0 0.1 0.1 0.05 0.05\n',
        'labels/val/2.txt': '',
      })
      expect(await (await post(prefix)).json()).toMatchObject({
        format: 'yolo',
        taskType: 'detection',
        classes: [{ name: 'cat' }, { name: 'dog' }],
        counts: { images: 2, labelled: 2, annotations: 2, splits: { train: 1, val: 1, test: 0 } },
      })
    })

    it('lists changed, missing and added files', async () => {
      const { prefix, snapshot } = await register()
      await source.put(`${prefix}images/a.png`, png(77))
      await source.delete(`${prefix}images/b.png`)
      await source.put(`${prefix}images/new.png`, png(78))
      await source.put(`${prefix}annotations.json`, Buffer.from('{}'))
      await expect(verifySource(area.context, snapshot.id)).rejects.toThrow(
        '4 files differ (changed: annotations.json, images/a.png; missing: images/b.png; added: images/new.png)',
      )
    })

    it('lists the first ten of many', async () => {
      const { prefix, snapshot } = await register()
      for (let index = 0; index < 12; index++) await source.put(`${prefix}images/new-${index}.png`, png(index))
      const error = await verifySource(area.context, snapshot.id).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(DatasetChanged)
      expect(String(error)).toContain('12 files differ')
      expect(String(error)).toContain('; and 2 more')
    })

    it('refuses a source that is not allowed, is empty, or is not a dataset', async () => {
      const prefix = await put({ 'notes.txt': 'no images' })
      expect((await post(`elsewhere/${prefix}`)).status).toBe(403)
      expect((await post('datasets/')).status).toBe(403)
      expect((await post(`${base}-other/`)).status).toBe(403)
      expect(Problem.parse(await (await post(`${base}/none/`)).json()).detail).toContain('There are no images')
      expect((await post(prefix)).status).toBe(422)
      expect((await post('../x')).status).toBe(400)
      const other = { source: { bucket: 'another-bucket', prefix } }
      expect((await post(prefix, other)).status).toBe(403)
    })
  })
}
