import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodePng } from '../images/encode-png.ts'
import { createRandom } from '../util/random.ts'

/** Size and content of a test dataset. */
export interface WriteTestDatasetOptions {
  /** Names of the classes. Each is a bright stripe at its own position. Default: "top", "middle" and "bottom". */
  classes?: readonly string[] | undefined
  /** Images of each class in each split. Default: 8 train, 4 val, 4 test. */
  images?: { train?: number; val?: number; test?: number } | undefined
  /** Side of an image, in pixels. Default 16, with boxes 64. */
  size?: number | undefined
  /** The same seed gives the same bytes. Default 1. */
  seed?: number | undefined
}

/** Writes folders `{split}/{class}` of small grey PNGs that any classifier can learn. Returns the folder. */
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

/** Writes the same images in the layout of Ultralytics, with a box around each stripe, for detectors. Returns the folder. */
export async function writeTestBoxes(dir: string, options: WriteTestDatasetOptions = {}): Promise<string> {
  const { classes = ['top', 'middle', 'bottom'], images = {}, size = 64, seed = 1 } = options
  const counts = { train: 8, val: 4, test: 4, ...images }
  const random = createRandom(seed)
  for (const [split, count] of Object.entries(counts)) {
    for (const kind of ['images', 'labels']) await mkdir(join(dir, kind, split), { recursive: true })
    for (const [index, name] of classes.entries()) {
      const [height, middle] = [1 / classes.length, (index + 0.5) / classes.length]
      for (let number = 0; number < count; number++) {
        await writeFile(
          join(dir, 'images', split, `${name}-${number}.png`),
          drawStripe(index, classes.length, size, random),
        )
        await writeFile(
          join(dir, 'labels', split, `${name}-${number}.txt`),
          `${index} 0.5 ${middle.toFixed(6)} 1 ${height.toFixed(6)}\n`,
        )
      }
    }
  }
  const splits = Object.keys(counts).map((split) => `${split}: images/${split}\n`)
  await writeFile(join(dir, 'data.yaml'), `${splits.join('')}names: ${JSON.stringify(classes)}\n`)
  return dir
}

function drawStripe(index: number, classes: number, size: number, random: () => number): Buffer {
  const brightness = 160 + Math.floor(random() * 96)
  const data = Uint8Array.from({ length: size * size }, (_, at) => {
    const isStripe = Math.floor((Math.floor(at / size) * classes) / size) === index
    return Math.floor(isStripe ? brightness : random() * 60)
  })
  return encodePng({ width: size, height: size, channels: 1, data })
}
