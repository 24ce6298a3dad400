import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { splitDataset } from '../splits/split-dataset.ts'
import { imageRecord, temporaryFolder } from '../testing/dataset-formats.ts'
import { validateDataset } from '../validate/validate-dataset.ts'
import { hashPicture } from './picture-hash.ts'
import { SimilarPictures } from './similar-pictures.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const at = (name: string) => join(folder.dir, name)

/** A scene of soft shapes; another seed gives another one. */
function scene(seed: number, width = 320, height = 240): Buffer {
  const data = Buffer.alloc(width * height * 3)
  const shapes = Array.from({ length: 7 }, (_, index) => {
    const random = (salt: number) =>
      Math.abs((Math.sin(seed * 12.9898 + index * 78.233 + salt * 37.719) * 43758.5453) % 1)
    return { x: random(1), y: random(2), size: 0.1 + random(3) * 0.3, light: random(4) * 200 }
  })
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let light = 30
      for (const shape of shapes) {
        const away = Math.hypot(x / width - shape.x, y / height - shape.y) / shape.size
        if (away < 1) light = Math.max(light, shape.light * (1 - away) + 40)
      }
      data.fill(Math.min(255, light), (y * width + x) * 3, (y * width + x) * 3 + 3)
    }
  }
  return data
}

const picture = (seed: number) => sharp(scene(seed), { raw: { width: 320, height: 240, channels: 3 } })

beforeAll(async () => {
  await picture(1).png().toFile(at('original.png'))
  await picture(1).jpeg({ quality: 40 }).toFile(at('quality.jpg'))
  await picture(1).resize(111, 83).webp().toFile(at('size.webp'))
  await picture(1).flop().jpeg().toFile(at('mirror.jpg'))
  // Stored turned, shown as the original.
  await picture(1).rotate(270).jpeg().withMetadata({ orientation: 6 }).toFile(at('exif.jpg'))
  for (let seed = 2; seed < 22; seed++)
    await picture(seed)
      .jpeg()
      .toFile(at(`other${seed}.jpg`))
  await sharp({ create: { width: 50, height: 50, channels: 3, background: '#777' } })
    .png()
    .toFile(at('plain.png'))
})

const COPIES = ['quality.jpg', 'size.webp', 'mirror.jpg', 'exif.jpg']
const record = (path: string, split?: 'train' | 'val') =>
  imageRecord(path, { file: at(path), width: 0, height: 0, split, annotations: [{ kind: 'class', classId: 0 }] })

function reader(records: ReturnType<typeof record>[]) {
  return {
    format: 'imagefolder' as const,
    taskType: 'classification' as const,
    classes: [{ id: 0, name: 'a' }],
    async *images() {
      yield* records
    },
  }
}

test.each(COPIES)('a picture is similar to itself as %s, and to no other picture', async (name) => {
  const pictures = new SimilarPictures<string>()
  const add = async (path: string) => {
    const hash = await hashPicture(sharp, at(path))
    if (hash === undefined) throw new Error(`no hash of ${path}`)
    return pictures.add(hash, path)
  }
  for (let seed = 2; seed < 22; seed++) expect(await add(`other${seed}.jpg`)).toBeUndefined()
  expect(await add('original.png')).toBeUndefined()
  expect(await add(name)).toBe('original.png')
})

test('a picture without contrast cannot be compared', async () => {
  expect(await hashPicture(sharp, at('plain.png'))).toBeUndefined()
})

test('validate names both images, and a leak between splits is an error', async () => {
  const records = [record('original.png', 'train'), record('size.webp', 'train'), record('mirror.jpg', 'val')]
  const others = Array.from({ length: 20 }, (_, index) => record(`other${index + 2}.jpg`, 'train'))
  const { findings } = await validateDataset(reader([...records, ...others]), { duplicates: true })
  expect(findings.filter(({ code }) => code.startsWith('similar'))).toMatchObject([
    { code: 'similar-leak', severity: 'error', count: 1, examples: ['mirror.jpg (val) and original.png (train)'] },
    { code: 'similar-images', severity: 'warning', count: 1, examples: ['size.webp and original.png'] },
  ])
})

test('split keeps images together that look the same', async () => {
  const records = ['original.png', ...COPIES, ...Array.from({ length: 20 }, (_, index) => `other${index + 2}.jpg`)]
  for (const seed of ['a', 'b', 'c']) {
    const { splits } = await splitDataset(reader(records.map((path) => record(path))), { lookAlikes: true, seed })
    expect(new Set(COPIES.map((path) => splits.get(path)))).toEqual(new Set([splits.get('original.png')]))
  }
})
