import { extname } from 'node:path'
import { findBox } from '../record/find-box.ts'
import type { DatasetClassInfo, ImageRecord } from '../record/record.ts'

/** A bar of a histogram: values from `from` up to, but not including, `to`. */
export interface Bin {
  from: number
  /** `Infinity` in the last bin; in JSON `null`. */
  to: number
  count: number
}

/** How the objects and images of a dataset are distributed. */
export interface DatasetStatistics {
  /** Images by their number of objects. */
  objectsPerImage: Bin[]
  /** Images by their width divided by their height. */
  imageAspects: Bin[]
  /** The most frequent sizes of images in pixels, at most ten. */
  imageSizes: { width: number; height: number; images: number }[]
  /** Images by the ending of their name, such as `jpg`, the most frequent first. */
  imageTypes: { type: string; images: number }[]
  /** Boxes by their side: the square root of their share of the area of the image. */
  boxSides: Bin[]
  /** Boxes by their width divided by their height. */
  boxAspects: Bin[]
  /**
   * Where boxes are: the number of centres in each cell of a grid over the image, row by row from the top-left corner;
   * `HEAT_SIDE` × `HEAT_SIDE` numbers.
   */
  boxCentres: number[]
  /** For each class, by its id: the mean side of its boxes as in `boxSides`. Undefined without boxes. */
  classSides: (number | undefined)[]
}

/** Cells of a row and of a column of `boxCentres`. */
export const HEAT_SIDE = 16
const MAX_SIZES = 10

const COUNTS = [0, 1, 2, 3, 5, 9, 17, 33, 65, 129]
const ASPECTS = [0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 0.99, 1.01, 3 / 2, 2, 3, 4]
const SIDES = [0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]

/** Counts images and objects one by one. Memory does not grow with them. */
export class Survey {
  readonly #objects = new Histogram(COUNTS)
  readonly #imageAspects = new Histogram(ASPECTS)
  readonly #sides = new Histogram(SIDES)
  readonly #aspects = new Histogram(ASPECTS)
  readonly #sizes = new Map<string, number>()
  readonly #types = new Map<string, number>()
  readonly #heat = Array.from({ length: HEAT_SIDE * HEAT_SIDE }, () => 0)
  readonly #classes: { sum: number; count: number }[]

  constructor(classes: readonly DatasetClassInfo[]) {
    this.#classes = classes.map(() => ({ sum: 0, count: 0 }))
  }

  add({ path, annotations }: ImageRecord, { width, height }: { width: number; height: number }): void {
    this.#objects.add(annotations.length)
    countOne(this.#types, extname(path).slice(1).toLowerCase() || 'none')
    if (!(width > 0 && height > 0)) return
    countOne(this.#sizes, `${width}x${height}`)
    this.#imageAspects.add(width / height)
    for (const annotation of annotations) {
      const box = findBox(annotation)
      if (box === undefined || !(box[2] > 0 && box[3] > 0)) continue
      const [x, y, boxWidth, boxHeight] = box
      const side = Math.sqrt((boxWidth * boxHeight) / (width * height))
      if (!Number.isFinite(side)) continue
      this.#sides.add(side)
      this.#aspects.add(boxWidth / boxHeight)
      const cell = cellOf((y + boxHeight / 2) / height) * HEAT_SIDE + cellOf((x + boxWidth / 2) / width)
      this.#heat[cell] = (this.#heat[cell] ?? 0) + 1
      const own = this.#classes[annotation.classId]
      if (own === undefined) continue
      own.sum += side
      own.count++
    }
  }

  result(): DatasetStatistics {
    return {
      objectsPerImage: this.#objects.bins(),
      imageAspects: this.#imageAspects.bins(),
      imageSizes: mostFrequent(this.#sizes, MAX_SIZES).map(([size, images]) => {
        const [width = 0, height = 0] = size.split('x').map(Number)
        return { width, height, images }
      }),
      imageTypes: mostFrequent(this.#types).map(([type, images]) => ({ type, images })),
      boxSides: this.#sides.bins(),
      boxAspects: this.#aspects.bins(),
      boxCentres: this.#heat,
      classSides: this.#classes.map(({ sum, count }) => (count === 0 ? undefined : sum / count)),
    }
  }
}

class Histogram {
  readonly #edges: readonly number[]
  readonly #counts: number[]

  constructor(edges: readonly number[]) {
    this.#edges = edges
    this.#counts = edges.map(() => 0)
  }

  add(value: number): void {
    let bin = this.#edges.length - 1
    while (bin > 0 && value < (this.#edges[bin] ?? 0)) bin--
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1
  }

  bins(): Bin[] {
    return this.#edges.map((from, number) => ({
      from,
      to: this.#edges[number + 1] ?? Number.POSITIVE_INFINITY,
      count: this.#counts[number] ?? 0,
    }))
  }
}

function cellOf(share: number): number {
  return Math.min(HEAT_SIDE - 1, Math.max(0, Math.floor(share * HEAT_SIDE)))
}

function countOne(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function mostFrequent(counts: ReadonlyMap<string, number>, limit = Number.POSITIVE_INFINITY): [string, number][] {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, limit)
}
