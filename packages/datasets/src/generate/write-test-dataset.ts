import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { createRandom } from '../util/random.ts'

/** How large the dataset is and what is on its images. */
export interface WriteTestDatasetOptions {
  /** Names of the classes: each is a bright stripe at a place of its own. Default: "top", "middle" and "bottom". */
  classes?: readonly string[]
  /** Images of each class in each split. Default: 8 train, 4 val, 4 test. */
  images?: { train?: number; val?: number; test?: number }
  /** Side of an image, in pixels. Default 16. */
  size?: number
  /** The same seed gives the same bytes. Default 1. */
  seed?: number
}

/** Writes folders `{split}/{class}` of small grey PNGs that any classifier can learn. Gives the folder back. */
export async function writeTestDataset(dir: string, options: WriteTestDatasetOptions = {}): Promise<string> {
  const { classes = ['top', 'middle', 'bottom'], images = {}, size = 16, seed = 1 } = options
  const counts = { train: 8, val: 4, test: 4, ...images }
  const random = createRandom(seed)
  for (const [split, count] of Object.entries(counts)) {
    for (const [index, name] of classes.entries()) {
      const folder = join(dir, split, name)
      await mkdir(folder, { recursive: true })
      for (let number = 0; number < count; number++) {
        await writeFile(join(folder, `${name}-${number}.png`), drawStripe(index, classes.length, size, random))
      }
    }
  }
  return dir
}

function drawStripe(index: number, classes: number, size: number, random: () => number): Buffer {
  const brightness = 160 + Math.floor(random() * 96)
  return encodeGreyPng(size, (_x, y) => {
    const isStripe = Math.floor((y * classes) / size) === index
    return Math.floor(isStripe ? brightness : random() * 60)
  })
}

/** https://www.w3.org/TR/png/: 8-bit grey, no filters. */
function encodeGreyPng(size: number, pixel: (x: number, y: number) => number): Buffer {
  const rows = Buffer.alloc(size * (size + 1))
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) rows[y * (size + 1) + 1 + x] = pixel(x, y)
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([8, 0, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const bytes = Buffer.alloc(body.length + 8)
  bytes.writeUInt32BE(data.length, 0)
  body.copy(bytes, 4)
  bytes.writeUInt32BE(crc32(body), body.length + 4)
  return bytes
}
