/** A COCO file of any size from a seed: what matters is its shape, so that figures can be compared from year to year. */
import { closeSync, openSync, writeSync } from 'node:fs'

export interface GenerateCocoOptions {
  images: number
  annotations: number
  /** Classes; ids have gaps as in COCO. Default 80. */
  classes?: number | undefined
  /** Vertices of a polygon on average. Default 24.4, which gives 479 MB at the size of train2017. */
  vertices?: number | undefined
  /** Whether the annotations of an image stand together. Default false, as in train2017. */
  isGrouped?: boolean | undefined
  seed?: number
}

/** Numbers in [0, 1) that are the same everywhere: mulberry32. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = state
    value = Math.imul(value ^ (value >>> 15), value | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296
  }
}

/** Writes text to a file in large pieces. */
export function createTextFile(path: string): { write(text: string): void; close(): void } {
  const handle = openSync(path, 'w')
  let pieces: string[] = []
  let length = 0
  const flush = () => {
    writeSync(handle, pieces.join(''))
    pieces = []
    length = 0
  }
  return {
    write(text) {
      pieces.push(text)
      length += text.length
      if (length > 1 << 22) flush()
    },
    close() {
      flush()
      closeSync(handle)
    },
  }
}

export const imageName = (index: number): string => `${String(index + 1).padStart(12, '0')}.jpg`

export function generateCoco(path: string, options: GenerateCocoOptions): void {
  const { images, annotations, classes = 80, vertices = 24.4, isGrouped = false, seed = 1 } = options
  const random = createRandom(seed)
  const file = createTextFile(path)
  const widths = new Uint16Array(images)
  const heights = new Uint16Array(images)
  const fixed = (value: number) => String(Math.round(value * 100) / 100)

  file.write(
    '{"info": {"description": "generated", "year": 2017}, "licenses": [{"id": 1, "name": "none"}], "images": [',
  )
  for (let index = 0; index < images; index++) {
    const isWide = random() < 0.7
    widths[index] = isWide ? 640 : 480
    heights[index] = isWide ? 427 + Math.floor(random() * 60) : 640
    const name = imageName(index)
    file.write(
      `${index === 0 ? '' : ', '}{"license": 1, "file_name": "${name}", "coco_url": "http://images.example.org/train2017/${name}", "height": ${heights[index]}, "width": ${widths[index]}, "date_captured": "2013-11-14 11:18:45", "flickr_url": "http://farm9.example.org/8186/8119368305_4e622c8349_z.jpg", "id": ${index + 1}}`,
    )
  }
  file.write('], "annotations": [')
  for (let index = 0; index < annotations; index++) {
    const image = isGrouped ? Math.floor((index * images) / annotations) : Math.floor(random() * images)
    const width = widths[image] ?? 1
    const height = heights[image] ?? 1
    const boxWidth = 4 + random() * (width - 8) * random()
    const boxHeight = 4 + random() * (height - 8) * random()
    const x = random() * (width - boxWidth)
    const y = random() * (height - boxHeight)
    const classNumber = Math.floor(random() * random() * classes)
    const isCrowd = random() < 0.01
    let segmentation: string
    if (isCrowd) {
      const counts: number[] = []
      for (let left = width * height; left > 0; ) {
        const run = Math.min(left, 1 + Math.floor((random() * width * height) / 60))
        counts.push(run)
        left -= run
      }
      segmentation = `{"counts": [${counts.join(', ')}], "size": [${height}, ${width}]}`
    } else {
      const parts = random() < 0.1 ? 2 : 1
      const rings: string[] = []
      for (let part = 0; part < parts; part++) {
        const count = Math.max(3, Math.round((vertices * (0.3 + random() * 1.4)) / parts))
        const numbers: string[] = []
        for (let vertex = 0; vertex < count; vertex++) {
          const angle = (vertex / count) * 2 * Math.PI
          const reach = 0.5 - random() * 0.15
          numbers.push(fixed(x + boxWidth * (0.5 + Math.cos(angle) * reach)))
          numbers.push(fixed(y + boxHeight * (0.5 + Math.sin(angle) * reach)))
        }
        rings.push(`[${numbers.join(', ')}]`)
      }
      segmentation = `[${rings.join(', ')}]`
    }
    const box = [x, y, boxWidth, boxHeight].map(fixed).join(', ')
    file.write(
      `${index === 0 ? '' : ', '}{"segmentation": ${segmentation}, "area": ${fixed(boxWidth * boxHeight * 0.6)}, "iscrowd": ${isCrowd ? 1 : 0}, "image_id": ${image + 1}, "bbox": [${box}], "category_id": ${categoryId(classNumber)}, "id": ${index + 1}}`,
    )
  }
  file.write('], "categories": [')
  for (let index = 0; index < classes; index++) {
    file.write(
      `${index === 0 ? '' : ', '}{"supercategory": "thing", "id": ${categoryId(index)}, "name": "class ${index}"}`,
    )
  }
  file.write(']}')
  file.close()
}

/** With gaps: 1 to 11, then 13 … */
const categoryId = (index: number): number => index + 1 + Math.floor(index / 11)
