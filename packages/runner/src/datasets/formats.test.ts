import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { TargetFormat, TaskType } from '@trainyard/contract'
import { convertDataset } from '@trainyard/datasets'
import { makeZip } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSnapshot, getDatasetManifest, listDatasetFiles } from './index.ts'
import { registerDataset } from './registration/register-dataset.ts'
import { createDatasetsTest, dice, type Files, png, tarOf } from './testing/test-datasets.ts'

let area: Awaited<ReturnType<typeof createDatasetsTest>>
let dir: string
beforeAll(async () => {
  area = await createDatasetsTest()
  dir = await mkdtemp(join(tmpdir(), 'trainyard-formats-'))
})
afterAll(async () => {
  await area.close()
  await rm(dir, { recursive: true, force: true })
})

const size = { width: 64, height: 48 }
const image = (name: string, split: string, rest: object = {}) => ({
  file_name: `images/${name}.png`,
  split,
  ...size,
  annotations: [{ id: 1, class_id: 1, bbox: [4, 4, 20, 20] }],
  ...rest,
})
const source: Files = {
  'annotations.json': dice([
    image('a', 'train'),
    image('b', 'train'),
    image('c', 'val'),
    image('empty', 'test', { annotations: [{ class_id: -1 }] }),
  ]),
  'images/a.png': png(1, 64, 48),
  'images/b.png': png(2, 64, 48),
  'images/c.png': png(3, 64, 48),
  'images/empty.png': png(4, 64, 48),
}

async function filesIn(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files: Files = {}
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name)
    files[path.slice(folder.length + 1)] = await readFile(path)
  }
  return files
}

const zipOf = (files: Files) => makeZip(Object.entries(files).map(([path, body]) => ({ path, body, deflate: true })))

async function register(
  name: string,
  bytes: Uint8Array,
  rest: { format?: TargetFormat; taskType?: TaskType; strict?: boolean } = {},
) {
  async function* body() {
    yield bytes
  }
  return (await registerDataset(area.context, { projectId: 'prj_default', name, body: body(), ...rest })).dataset
}

async function filesOf(datasetId: string, all = false) {
  const snapshot = await createSnapshot(area.context, datasetId, 'prj_default')
  const manifest = await getDatasetManifest(area.context, snapshot.id)
  return { manifest, files: (await listDatasetFiles(area.context, snapshot.id, { all })).files }
}

describe('the format is detected from the content', () => {
  it.each<[TargetFormat, number, TaskType]>([
    ['coco', 4, 'detection'],
    ['yolo', 4, 'detection'],
    ['voc', 4, 'detection'],
    ['labelme', 4, 'detection'],
    ['dice', 4, 'detection'],
    ['huggingface', 4, 'detection'],
    ['masks', 4, 'segmentation'],
    ['dota', 4, 'obb'],
  ])('%s in a zip, with its classes, splits and labels', async (format, labelled, taskType) => {
    const from = join(dir, `source-${format}`)
    const { mkdir, writeFile } = await import('node:fs/promises')
    for (const [path, content] of Object.entries(source)) {
      await mkdir(join(from, path, '..'), { recursive: true })
      await writeFile(join(from, path), content)
    }
    const to = join(dir, format)
    if (format !== 'dice') await convertDataset({ source: from, target: to, to: format })
    const files = format === 'dice' ? source : await filesIn(to)
    const dataset = await register(format, zipOf(files))
    expect(dataset).toMatchObject({
      format,
      taskType,
      counts: { images: 4, labelled, annotations: 3, splits: { train: 2, val: 1, test: 1 } },
    })
    expect(dataset.classes.map(({ name }) => name)).toEqual(['circle', 'square'])
    const { manifest, files: images } = await filesOf(dataset.id)
    expect(manifest.split).toEqual({ origin: 'dataset' })
    expect(manifest.annotationFiles.length).toBeGreaterThan(0)
    expect(images.map(({ split }) => split).sort()).toEqual(['test', 'train', 'train', 'val'])
    // The same files in a tar are the same dataset.
    expect((await register(format, await tarOf(files))).id).toBe(dataset.id)
  })

  it('a file of another tool that would keep others waiting is refused, with what to do', async () => {
    // Bytes that a zip cannot shrink: others are refused as a bomb.
    const text = `ImageID,LabelName,Confidence\n${randomBytes(13 * 1024 ** 2).toString('base64')},a,1\n`
    await expect(register('large', zipOf({ 'boxes.csv': Buffer.from(text), '1.png': png(1) }))).rejects.toThrow(
      /"boxes\.csv" has \d+ bytes; expected at most 16777216 .*trainyard dataset convert/,
    )
  })

  it.each([
    ['masks/1.png', 'images/1.png'],
    ['SegmentationClass/1.png', 'JPEGImages/1.png'],
  ])('a mask that would keep others waiting is refused before it is decoded: %s', async (mask, image) => {
    const header = Buffer.from(png(1).subarray(0, 33))
    header.writeUInt32BE(10_000, 16)
    header.writeUInt32BE(10_000, 20)
    header.writeUInt32BE(crc32(header.subarray(12, 29)), 29)
    const files = { [mask]: Buffer.concat([header, png(1).subarray(33)]), [image]: png(1), 'classes.txt': 'a\nb\n' }
    await expect(register('large mask', zipOf(files))).rejects.toThrow(
      /1\.png" has 10000 × 10000 pixels; expected at most 32000000 in a mask.*trainyard dataset convert/,
    )
  })

  it('imagefolder without splits: the hash of the path decides', async () => {
    const dataset = await register('folders', zipOf({ 'cat/1.png': png(1), 'dog/2.png': png(2), 'dog/3.png': png(3) }))
    expect(dataset).toMatchObject({ format: 'imagefolder', counts: { images: 3, labelled: 3 } })
    expect((await filesOf(dataset.id)).manifest.split).toEqual({ origin: 'hash' })
  })

  it('images without annotations, for predictions', async () => {
    const dataset = await register('plain', zipOf({ 'a.png': png(1), 'b/c.png': png(2) }))
    expect(dataset).toMatchObject({
      format: 'dice',
      taskType: 'classification',
      classes: [],
      counts: { images: 2, labelled: 0, splits: { test: 2 } },
    })
    expect((await filesOf(dataset.id)).files).toEqual([])
    expect((await filesOf(dataset.id, true)).files.map(({ path }) => path)).toEqual(['a.png', 'b/c.png'])
  })

  it('ambiguous files are refused unless the caller names a format', async () => {
    const both = { ...source, 'labels/a.txt': '0 .5 .5 .2 .2' }
    await expect(register('both', zipOf(both))).rejects.toThrow('it looks like dice')
    expect(await register('both', zipOf(both), { format: 'dice' })).toMatchObject({ format: 'dice' })
    await expect(register('both', zipOf(both), { format: 'voc' })).rejects.toThrow('No Pascal VOC annotations')
  })

  it('another task than the files state is refused, and both are named', async () => {
    await expect(register('task', zipOf(source), { taskType: 'classification' })).rejects.toMatchObject({
      code: 'invalid_request',
      issues: [{ path: 'taskType', detail: expect.stringContaining('must be "detection"'), value: 'classification' }],
    })
    expect(await register('task', zipOf(source), { taskType: 'detection' })).toMatchObject({ taskType: 'detection' })
  })

  it('an annotated image that does not exist is left out and named, or refused', async () => {
    const { 'images/b.png': _, ...rest } = await filesIn(join(dir, 'coco')).then((files) =>
      Object.fromEntries(
        Object.entries(files).map(([path, body]) => [path.replace(/^images\/[^/]+\//, 'images/'), body]),
      ),
    )
    const detail = 'is listed, but does not exist in the archive'
    await expect(register('missing', zipOf(rest), { strict: true })).rejects.toMatchObject({
      code: 'unprocessable',
      issues: [{ path: 'images/b.png', detail }],
    })
    expect(await register('missing', zipOf(rest))).toMatchObject({
      counts: { images: 3, annotations: 2 },
      losses: [{ reason: 'image-missing-file', count: 1, examples: [`images/b.png ${detail}`] }],
    })
  })
})
