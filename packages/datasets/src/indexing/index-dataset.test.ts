import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashSplit, indexDataset, openDataset, readImageSize, writeImageFolder } from '../index.ts'
import { createDice, createPng, writeFiles } from '../testing/test-dataset.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-dataset-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const load = async () => indexDataset(dir, await openDataset(dir))

function writeDice(
  change: (dice: { images: Record<string, unknown>[]; [key: string]: unknown }) => void = () => {},
): void {
  const { annotations, files } = createDice(8)
  const dice = JSON.parse(annotations.bytes.toString())
  change(dice)
  writeFiles(dir, [...files, { path: annotations.path, bytes: Buffer.from(JSON.stringify(dice)) }])
}

describe('a DICE dataset', () => {
  it('is read with its classes, splits and counts', async () => {
    writeDice()
    const index = await load()
    expect(index.counts).toEqual({ images: 8, labelled: 8, annotations: 8, splits: { train: 6, val: 2, test: 0 } })
    expect(index.samples[1]).toEqual({
      path: join(dir, 'images/1.png'),
      name: 'images/1.png',
      classId: 1,
      split: 'train',
    })
  })

  it('becomes an image folder of copies, with every class in every split', async () => {
    writeDice((dice) => {
      for (const image of dice.images) if (image.split === 'val') image.annotations = [{ class_id: 0 }]
    })
    const target = join(dir, 'out')
    await writeImageFolder(await load(), target)
    expect(readdirSync(join(target, 'train', 'cat')).sort()).toEqual(['0.png', '2.png', '4.png', '6.png'])
    expect(readdirSync(join(target, 'val', 'dog'))).toEqual([])
    expect(existsSync(`${target}.partial`)).toBe(false)
    expect(statSync(join(target, 'train/cat/0.png')).ino).not.toBe(statSync(join(dir, 'images/0.png')).ino)
    const again = await indexDataset(target, await openDataset(target))
    expect(again.classes.map(({ name }) => name)).toEqual(['cat', 'dog'])
    expect(again.counts.splits).toEqual({ train: 6, val: 2, test: 0 })
  })

  it('keeps two images with the same name in one class', async () => {
    const png = createPng()
    writeDice((dice) => {
      dice.images.push({ id: 98, file_name: 'a/0.png', split: 'train', annotations: [{ class_id: 0 }] })
    })
    writeFiles(dir, [{ path: 'images/a/0.png', bytes: png }])
    await writeImageFolder(await load(), join(dir, 'out'))
    expect(readdirSync(join(dir, 'out/train/cat'))).toContain('a__0.png')
  })

  it.each([['../../etc/passwd'], ['/etc/passwd'], ['a\\b.png'], ['C:/x.png'], ['a/../../b.png']])(
    'is read without an image whose file_name is %s',
    async (file_name) => {
      writeDice((dice) => {
        dice.images[2] = { ...dice.images[2], file_name }
      })
      expect((await load()).samples.map(({ name }) => name)).toEqual(
        [0, 1, 3, 4, 5, 6, 7].map((number) => `images/${number}.png`),
      )
    },
  )

  it.each([
    [
      (dice: Record<string, unknown>) => Object.assign(dice, { images: [] }),
      /annotations_classification\.json lists no images/,
    ],
    [
      (dice: Record<string, unknown>) => Object.assign(dice, { task_type: 'dreams' }),
      /task_type in .* must be one of .* \(got "dreams"\)/,
    ],
    [(dice: Record<string, unknown>) => Object.assign(dice, { classes: undefined }), /classes in .* is required/],
  ])('is refused with the field, the value and what is expected (%#)', async (change, message) => {
    writeDice(change)
    const error = await load().catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(DatasetError)
    expect(String(error)).toMatch(message)
  })

  it('is read in its flat variant too', async () => {
    writeDice((dice) => {
      const annotations = dice.images.map(({ id }) => ({ image_id: String(id), category_id: Number(id) % 2 }))
      for (const image of dice.images) delete image.annotations
      Object.assign(dice, { categories: dice.classes, classes: undefined, annotations })
      delete dice.classes
    })
    expect((await load()).samples.map(({ classId }) => classId)).toEqual([0, 1, 0, 1, 0, 1, 0, 1])
  })

  it('is read without images that would spoil a training, which are counted', async () => {
    writeDice((dice) => {
      dice.images[0] = { ...dice.images[0], width: 40, height: 30, annotations: [{ class_id: 0, bbox: [0, 0, 2, 2] }] }
    })
    rmSync(join(dir, 'images/1.png'))
    writeFileSync(join(dir, 'images/2.png'), '<html>not found</html>')
    writeFileSync(join(dir, 'images/3.png'), createPng(4, 3).subarray(0, 50))
    const { counts, losses, samples } = await load()
    expect(counts).toEqual({ images: 4, labelled: 4, annotations: 4, splits: { train: 3, val: 1, test: 0 } })
    expect(samples.map(({ name }) => name)).toEqual([4, 5, 6, 7].map((number) => `images/${number}.png`))
    expect(losses).toEqual([
      { reason: 'image-missing-file', count: 1, examples: ['Image "images/1.png" does not exist'] },
      {
        reason: 'image-size-mismatch',
        count: 1,
        examples: ['Image "images/0.png" is 4 × 3 pixels, but the dataset says 40 × 30'],
      },
      { reason: 'image-truncated', count: 1, examples: ['Image "images/3.png" is cut off: its end is missing'] },
      { reason: 'image-unreadable', count: 1, examples: [expect.stringContaining('"images/2.png" is damaged')] },
    ])
  })

  it('is refused when no image can be used, with an example', async () => {
    writeDice()
    for (let number = 0; number < 8; number++) writeFileSync(join(dir, `images/${number}.png`), '')
    await expect(load()).rejects.toThrow('no images that can be used: Image "images/0.png" is damaged: it is empty')
  })
})

describe('an image header', () => {
  const sizeOf = (bytes: Buffer, name: string) => {
    writeFileSync(join(dir, 'image'), bytes)
    return readImageSize(join(dir, 'image'), name)
  }

  it('gives the size of a PNG and of a JPEG that is not square', () => {
    expect(sizeOf(createPng(7, 5), 'a.png')).toEqual({ format: 'png', width: 7, height: 5 })
    // SOI, APP0 of 4 bytes, a fill byte, SOF2 of 300 × 200.
    const jpeg = Buffer.from('ffd8ffe000040000ffffc200110800c8012c03', 'hex')
    expect(sizeOf(jpeg, 'a.jpg')).toEqual({ format: 'jpeg', width: 300, height: 200 })
  })

  it.each([
    ['no image at all', Buffer.from('<html>not found</html>'), /starts with the bytes 3c68746d6c3e6e6f/],
    ['empty', Buffer.alloc(0), /it is empty/],
    ['cut off', createPng().subarray(0, 20), /ends after 20 bytes/],
    ['damaged in its header', Buffer.from(createPng()).fill(1, 16, 17), /checksum of its PNG header is wrong/],
  ])('reports what is wrong with a file that is %s', (_what, bytes, message) => {
    expect(() => sizeOf(bytes, 'images/a.png')).toThrow(message)
    expect(() => sizeOf(bytes, 'images/a.png')).toThrow(/Image "images\/a\.png" is damaged/)
    expect(() => sizeOf(bytes, 'images/a.png')).toThrow(DatasetError)
  })
})

it('the split by hash moves no image when others are added, and is close to its ratios', () => {
  const counts = { train: 0, val: 0, test: 0 }
  for (let index = 0; index < 10_000; index++) counts[hashSplit(`images/${index}.png`)]++
  expect(counts.train).toBeGreaterThan(6800)
  expect(counts.val).toBeGreaterThan(1850)
  expect(counts.test).toBeGreaterThan(900)
  expect(hashSplit('images/1.png')).toBe(hashSplit('images/1.png'))
  expect(readFileSync(new URL('../splits/hash-split.ts', import.meta.url), 'utf8')).not.toContain('random')
})
