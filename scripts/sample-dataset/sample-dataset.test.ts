import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiceFile } from '@trainyard/contract'
import { decode } from 'fast-png'
import { unpackTar } from 'modern-tar'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildSampleDataset, packSampleDataset } from './index.ts'

let root: string
let dir: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'trainyard-sample-'))
  dir = join(root, 'digits')
  await buildSampleDataset({ dir })
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('writes 6,500 grey pictures of 28×28 pixels with DICE annotations, balanced over three splits', async () => {
  const dice = DiceFile.parse(JSON.parse(await readFile(join(dir, 'annotations_classification.json'), 'utf8')))
  expect(dice.classes.map((each) => each.name)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  expect(dice.images).toHaveLength(6500)
  for (const [split, perClass] of [
    ['train', 500],
    ['val', 50],
    ['test', 100],
  ] as const) {
    const classIds = dice.images
      .filter((image) => image.split === split)
      .map((image) => image.annotations[0]?.class_id ?? -1)
    for (let digit = 0; digit < 10; digit++) expect(classIds.filter((id) => id === digit)).toHaveLength(perClass)
  }
  const files = await readdir(join(dir, 'images'))
  expect(new Set(files)).toEqual(new Set(dice.images.map((image) => image.file_name)))
  const picture = decode(await readFile(join(dir, 'images', dice.images[1234]?.file_name ?? '')))
  expect(picture).toMatchObject({ width: 28, height: 28, channels: 1, depth: 8 })
  expect(Math.max(...picture.data)).toBeGreaterThan(200)
})

test('shows no picture twice, so nothing learned by heart can be tested', async () => {
  const files = await readdir(join(dir, 'images'))
  const digests = await Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(join(dir, 'images', file)))
        .digest('hex'),
    ),
  )
  expect(new Set(digests).size).toBe(files.length)
})

test('leaves a complete dataset as it is, and repairs one that lost a picture', async () => {
  const annotations = join(dir, 'annotations_classification.json')
  const before = await stat(annotations)
  expect(await buildSampleDataset({ dir })).toEqual({
    dir,
    images: 6500,
    splits: { train: 5000, val: 500, test: 1000 },
  })
  expect((await stat(annotations)).ino).toBe(before.ino)

  const lost = join(dir, 'images', 'test-7-042.png')
  const bytes = await readFile(lost)
  await rm(lost)
  const told: number[] = []
  await buildSampleDataset({ dir, onProgress: (done) => told.push(done) })
  expect(await readFile(lost)).toEqual(bytes)
  expect(told.at(-1)).toBe(6500)
  expect(await readdir(root)).toEqual(['digits'])
})

test('packs the folder into the same tar every time', async () => {
  const first = await collect(packSampleDataset(dir))
  const second = await collect(packSampleDataset(dir))
  expect(first.equals(second)).toBe(true)
  const entries = await unpackTar(first)
  expect(entries).toHaveLength(6501)
  expect(entries[0]?.header.name).toBe('annotations_classification.json')
  const picture = entries.find((entry) => entry.header.name === 'images/val-3-007.png')
  expect(Buffer.from(picture?.data ?? [])).toEqual(await readFile(join(dir, 'images', 'val-3-007.png')))
})

test('fails when the folder to pack does not exist', async () => {
  await expect(collect(packSampleDataset(join(root, 'nothing')))).rejects.toThrow(/ENOENT/)
})

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}
