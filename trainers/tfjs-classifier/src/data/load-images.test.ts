import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatasetError, ResourceError, type Sample } from '@trainyard/sdk'
import { encode } from 'fast-png'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadImages } from './load-images.ts'
import { measureNormalization, normalizeImage } from './normalization.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-images-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const options = {
  shape: { imageSize: 2, channels: 1 },
  classIndex: new Map([
    [7, 0],
    [9, 1],
  ]),
  signal: new AbortController().signal,
} as const

async function writeSample(name: string, bytes: Uint8Array, classId: number): Promise<Sample> {
  const path = join(dir, name)
  await writeFile(path, bytes)
  return { path, name: `images/${name}`, classId, split: 'train' }
}
const png = (data: number[]) => encode({ width: 2, height: 2, channels: 1, depth: 8, data: new Uint8Array(data) })

test('loads pictures and the index of their class, and normalises them to mean 0 and variance 1', async () => {
  const set = await loadImages(
    [await writeSample('a.png', png([0, 0, 255, 255]), 9), await writeSample('b.png', png([0, 255, 0, 255]), 7)],
    options,
  )
  expect([...set.labels]).toEqual([1, 0])
  const normalization = measureNormalization(set)
  expect(normalization).toEqual({ mean: [0.5], std: [0.5] })
  const target = new Float32Array(4)
  normalizeImage(set, 1, normalization, target, 0)
  expect([...target]).toEqual([-1, 1, -1, 1])
})

test('names the file that cannot be used', async () => {
  const corrupt = await writeSample('bad.png', png([1, 2, 3, 4]).subarray(0, 50), 7)
  await expect(loadImages([corrupt], options)).rejects.toThrow(DatasetError)
  await expect(loadImages([corrupt], options)).rejects.toThrow(/images\/bad\.png/)
  await expect(loadImages([{ ...corrupt, path: join(dir, 'gone.png') }], options)).rejects.toThrow(/cannot be read/)
  await expect(loadImages([{ ...corrupt, classId: 3 }], options)).rejects.toThrow(/class 3, which is not listed/)
})

test('says what to do when the pictures would not fit into memory', async () => {
  const sample: Sample = { path: '', name: '', classId: 7, split: 'train' }
  const many = Array.from({ length: 20_000 }, () => sample)
  const loading = loadImages(many, { ...options, shape: { imageSize: 256, channels: 3 } })
  await expect(loading).rejects.toThrow(ResourceError)
  await expect(loading).rejects.toThrow(/lower imgsz/)
})
