import { type Dataset, DatasetClassCounts, DatasetImageList, Problem } from '@trainyard/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { datasetRoutes } from './index.ts'
import { access, createDatasetsTest, dice, type Files, png, tarOf } from './testing/test-datasets.ts'

let area: Awaited<ReturnType<typeof createDatasetsTest>>
let app: ReturnType<typeof datasetRoutes>
beforeAll(async () => {
  area = await createDatasetsTest()
  app = datasetRoutes(area.context, { access })
})
afterAll(() => area.close())

async function register(name: string, files: Files): Promise<Dataset> {
  const body = await tarOf(files)
  const response = await app.request(`/v1/datasets?name=${name}`, { method: 'POST', body })
  expect(response.status).toBe(201)
  return (await response.json()) as Dataset
}

const ring = Array.from({ length: 1000 }, (_, at) => [4 + Math.cos(at / 159) * 3, 4 + Math.sin(at / 159) * 3]).flat()
const files = (): Files => ({
  'annotations.json': dice(
    [
      { file_name: 'images/a.png', split: 'train' },
      {
        file_name: 'images/b.png',
        split: 'val',
        annotations: [
          { id: 1, class_id: 0, bbox: [0, 0, 8, 8], segmentation: [ring] },
          { id: 2, class_id: 1, bbox: [1, 1, 2.25, 2] },
        ],
      },
      { file_name: 'images/c.png', split: 'val' },
    ],
    { task_type: 'instance_segmentation' },
  ),
  'images/a.png': png(1),
  'images/b.png': png(2),
  'images/c.png': png(3),
  'images/unlabelled.png': png(4),
})

test('images are listed with their size and objects, outlines with fewer points, page by page', async () => {
  const { id } = await register('grid', files())
  const read = async (query: string) =>
    DatasetImageList.parse(await (await app.request(`/v1/datasets/${id}/images?${query}`)).json())
  const first = await read('limit=3')
  expect(first.images.map(({ path }) => path)).toEqual(['images/a.png', 'images/b.png', 'images/c.png'])
  expect(first.images[1]).toMatchObject({
    width: 8,
    height: 8,
    split: 'val',
    labelled: true,
    classIds: [0, 1],
    objects: [
      { classId: 0, bbox: [0, 0, 8, 8] },
      { classId: 1, bbox: [1, 1, 2.3, 2] },
    ],
  })
  const points = first.images[1]?.objects?.[0]?.polygons?.[0]?.length ?? 0
  expect(points).toBeGreaterThan(60)
  expect(points).toBeLessThanOrEqual(122)
  const second = await read(`limit=3&cursor=${first.nextCursor}`)
  expect(second).toMatchObject({ images: [{ path: 'images/unlabelled.png', labelled: false, classIds: [] }] })
  expect(second.nextCursor).toBeUndefined()
  expect((await read('class=0')).images.map(({ path }) => path)).toEqual(['images/b.png'])
  expect((await read('split=val')).images).toHaveLength(2)
  expect((await read('class=7')).images).toEqual([])
})

test('classes are counted by split, the most frequent first', async () => {
  const { id } = await register('histogram', { ...files(), 'images/d.png': png(9) })
  const response = await app.request(`/v1/datasets/${id}/classes`)
  expect(DatasetClassCounts.parse(await response.json())).toEqual({
    classes: [
      { id: 1, name: 'square', images: 3, splits: { train: 1, val: 2, test: 0 } },
      { id: 0, name: 'circle', color: '#ff0000', images: 1, splits: { train: 0, val: 1, test: 0 } },
    ],
    total: 2,
    unused: 0,
  })
})

test('a picture has the type of its bytes, and cannot run anything', async () => {
  const { id } = await register('pictures', files())
  const response = await app.request(`/v1/datasets/${id}/picture?path=images/a.png`)
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'image/png',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  })
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array(png(1)))
})

test.each([
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
  ['HTML', '<!doctype html><script>alert(1)</script>'],
  ['nothing', ''],
])('%s in the place of an image is refused', async (_, content) => {
  const { id } = await register(`swapped-${_}`, files())
  await area.store.put(`datasets/${id}/images/a.png`, Buffer.from(content))
  const response = await app.request(`/v1/datasets/${id}/picture?path=images/a.png`)
  expect(response.status).toBe(422)
  expect(Problem.parse(await response.json()).detail).toContain('expected a PNG, JPEG, WebP, GIF or BMP')
})

test('an image of too many pixels, an annotation file and a path outside are refused', async () => {
  const { id } = await register('large', files())
  await area.context.database.db
    .updateTable('dataset_files')
    .set({ width: 20_000, height: 20_000 })
    .where('dataset_id', '=', id)
    .where('path', '=', 'images/a.png')
    .execute()
  const status = async (path: string) =>
    (await app.request(`/v1/datasets/${id}/picture?path=${encodeURIComponent(path)}`)).status
  expect(await status('images/a.png')).toBe(422)
  expect(await status('annotations.json')).toBe(404)
  expect(await status('../../other/images/a.png')).toBe(404)
})
