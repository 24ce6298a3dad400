import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { Box } from './box.ts'

/** Runs of zeros and ones in column-major order, starting with zeros (the first run can be 0). */
export interface RunLengths {
  height: number
  width: number
  counts: number[]
}

/** A mask as pixels, row by row, each 0 or 1. */
export interface Mask {
  width: number
  height: number
  data: Uint8Array
}

/** A larger mask is refused before memory is allocated for it. */
const MAX_PIXELS = 1 << 30

/**
 * Decodes COCO's compressed counts. Each number is a sequence of groups of 5 bits, least significant first, written as
 * characters starting at `0`. Bit 32 marks that another group follows, bit 16 of the last group is the sign. From the
 * fourth run on, a number is the difference to the run two before. Throws `DatasetError` for invalid text.
 */
export function decodeCounts(text: string): number[] {
  const counts: number[] = []
  let position = 0
  while (position < text.length) {
    let value = 0
    let factor = 1
    for (;;) {
      const group = text.charCodeAt(position) - 48
      if (!(group >= 0 && group < 64)) {
        const seen = position < text.length ? JSON.stringify(text[position]) : 'their end'
        throw new DatasetError(`RLE counts have ${seen} at ${position}; expected a character from "0" to "o"`)
      }
      position++
      value += (group & 31) * factor
      factor *= 32
      if ((group & 32) !== 0) {
        // 7 groups hold 35 bits: more than any image has pixels.
        if (factor > 2 ** 35) throw new DatasetError(`RLE counts have a run with too many digits at ${position}`)
        continue
      }
      if ((group & 16) !== 0) value -= factor
      break
    }
    if (counts.length > 2) value += counts[counts.length - 2] as number
    counts.push(value)
  }
  return counts
}

/**
 * Parses an RLE object of a COCO file, with compressed or plain counts. Throws `DatasetError` when its size is invalid or
 * its runs do not add up to the size.
 */
export function parseRle(rle: { size: readonly number[]; counts: string | readonly number[] }): RunLengths {
  const [height = Number.NaN, width = Number.NaN] = rle.size
  if (!Number.isInteger(height) || !Number.isInteger(width) || height < 1 || width < 1 || width * height > MAX_PIXELS) {
    throw new DatasetError(`The size of an RLE mask is ${JSON.stringify(rle.size)}; expected [height, width] in pixels`)
  }
  const counts = typeof rle.counts === 'string' ? decodeCounts(rle.counts) : [...rle.counts]
  checkRuns({ height, width, counts })
  return { height, width, counts }
}

/** Throws `DatasetError` unless the runs add up to the size of the mask. */
function checkRuns({ height, width, counts }: RunLengths): void {
  let sum = 0
  for (const run of counts) {
    if (!Number.isInteger(run) || run < 0) {
      throw new DatasetError(`An RLE mask has a run of ${run}; expected a whole number from 0`)
    }
    sum += run
  }
  if (sum !== width * height) {
    throw new DatasetError(
      `The runs of an RLE mask add up to ${sum}; expected ${width} × ${height} = ${width * height} pixels`,
    )
  }
}

/** Merges runs so that none but the first is empty. */
function compact(runs: readonly number[]): number[] {
  const counts: number[] = []
  let value = 0
  for (const [index, run] of runs.entries()) {
    if (run === 0) continue
    const next = index % 2
    if (counts.length === 0 && next === 1) counts.push(0)
    if (counts.length > 0 && next === value) counts[counts.length - 1] = (counts.at(-1) ?? 0) + run
    else counts.push(run)
    value = next
  }
  return counts
}

/** Pixels to runs. */
export function encodeMask({ width, height, data }: Mask): RunLengths {
  const counts: number[] = []
  let value = 0
  let run = 0
  for (let x = 0; x < width; x++) {
    for (let at = x; at < width * height; at += width) {
      const pixel = data[at] === 0 ? 0 : 1
      if (pixel === value) run++
      else {
        counts.push(run)
        run = 1
        value = pixel
      }
    }
  }
  counts.push(run)
  return { width, height, counts }
}

/** Runs to pixels. */
export function decodeMask(rle: RunLengths): Mask {
  checkRuns(rle)
  const { width, height, counts } = rle
  const data = new Uint8Array(width * height)
  let position = 0
  for (let index = 0; index < counts.length; index++) {
    const end = position + (counts[index] as number)
    if (index % 2 === 1) {
      for (; position < end; position++) data[(position % height) * width + Math.floor(position / height)] = 1
    }
    position = end
  }
  return { width, height, data }
}

/** The number of pixels that are set. */
export function rleArea({ counts }: RunLengths): number {
  let area = 0
  for (let index = 1; index < counts.length; index += 2) area += counts[index] as number
  return area
}

/** The smallest box around the set pixels. Undefined for an empty mask. */
export function rleBox({ height, width, counts }: RunLengths): Box | undefined {
  let position = 0
  let left = width
  let right = -1
  let top = height
  let bottom = -1
  for (let index = 0; index < counts.length; index++) {
    const run = counts[index] as number
    if (index % 2 === 1 && run > 0) {
      const last = position + run - 1
      const firstColumn = Math.floor(position / height)
      const lastColumn = Math.floor(last / height)
      left = Math.min(left, firstColumn)
      right = lastColumn
      if (firstColumn === lastColumn) {
        top = Math.min(top, position % height)
        bottom = Math.max(bottom, last % height)
      } else {
        // The run crosses the end of a column, so it has pixels in the last and the first row.
        top = 0
        bottom = height - 1
      }
    }
    position += run
  }
  return right < 0 ? undefined : [left, top, right - left + 1, bottom - top + 1]
}

/** The union of masks of the same size. */
export function mergeRles(masks: readonly RunLengths[]): RunLengths {
  const [first] = masks
  if (first === undefined) throw new DatasetError('No masks to merge')
  let { counts } = first
  const { width, height } = first
  for (const mask of masks.slice(1)) {
    if (mask.width !== width || mask.height !== height) {
      throw new DatasetError(`Masks of ${width} × ${height} and ${mask.width} × ${mask.height} pixels cannot be merged`)
    }
    counts = union(counts, mask.counts)
  }
  return { width, height, counts }
}

function union(a: readonly number[], b: readonly number[]): number[] {
  const counts: number[] = []
  let indexA = 0
  let indexB = 0
  let leftA = a[0] ?? 0
  let leftB = b[0] ?? 0
  let value = 0
  let run = 0
  while (indexA < a.length && indexB < b.length) {
    const step = Math.min(leftA, leftB)
    const next = (indexA | indexB) & 1
    if (step > 0) {
      if (next === value) run += step
      else {
        counts.push(run)
        run = step
        value = next
      }
    }
    leftA -= step
    leftB -= step
    if (leftA === 0) leftA = a[++indexA] ?? 0
    if (leftB === 0) leftB = b[++indexB] ?? 0
  }
  counts.push(run)
  return counts
}

/** pycocotools draws outlines on a grid this much finer than the pixels. */
const SCALE = 5
const MAX_COORDINATE = 1_000_000

/**
 * The pixels inside a ring, exactly as pycocotools sets them (`rleFrPoly` of its maskApi, BSD licence): the outline is drawn
 * on a five times finer grid, and each crossing with a column of pixels toggles between inside and outside.
 */
export function rasterizeRing(ring: readonly number[], width: number, height: number): RunLengths {
  const pointCount = ring.length >> 1
  for (const value of ring) {
    // Every step along the outline takes memory, and no image is this large.
    if (!(Math.abs(value) <= MAX_COORDINATE)) {
      throw new DatasetError(`A polygon has the coordinate ${value}; expected at most ${MAX_COORDINATE} pixels`)
    }
  }
  const us: number[] = []
  const vs: number[] = []
  for (let index = 0; index < pointCount; index++) {
    const next = index + 1 === pointCount ? 0 : index + 1
    drawEdge(
      Math.trunc(SCALE * (ring[index * 2] as number) + 0.5),
      Math.trunc(SCALE * (ring[index * 2 + 1] as number) + 0.5),
      Math.trunc(SCALE * (ring[next * 2] as number) + 0.5),
      Math.trunc(SCALE * (ring[next * 2 + 1] as number) + 0.5),
      us,
      vs,
    )
  }
  const crossings: number[] = []
  for (let index = 1; index < us.length; index++) {
    const u = us[index] as number
    const previousU = us[index - 1] as number
    if (u === previousU) continue
    const x = ((u < previousU ? u : u - 1) + 0.5) / SCALE - 0.5
    if (Math.floor(x) !== x || x < 0 || x > width - 1) continue
    const y = (Math.min(vs[index] as number, vs[index - 1] as number) + 0.5) / SCALE - 0.5
    crossings.push(x * height + Math.ceil(Math.min(Math.max(y, 0), height)))
  }
  crossings.push(width * height)
  crossings.sort((a, b) => a - b)
  const runs: number[] = []
  let position = 0
  for (const crossing of crossings) {
    runs.push(crossing - position)
    position = crossing
  }
  const counts = compact(runs)
  return { width, height, counts }
}

/** Adds the points of one edge from start to end. Both directions give the same points. */
function drawEdge(startX: number, startY: number, endX: number, endY: number, us: number[], vs: number[]): void {
  const deltaX = Math.abs(endX - startX)
  const deltaY = Math.abs(endY - startY)
  const isFlat = deltaX >= deltaY
  const isFlipped = isFlat ? startX > endX : startY > endY
  const [fromX, fromY, toX, toY] = isFlipped ? [endX, endY, startX, startY] : [startX, startY, endX, endY]
  const length = isFlat ? deltaX : deltaY
  const slope = length === 0 ? 0 : (isFlat ? toY - fromY : toX - fromX) / length
  for (let step = 0; step <= length; step++) {
    const at = isFlipped ? length - step : step
    us.push(isFlat ? at + fromX : Math.trunc(fromX + slope * at + 0.5))
    vs.push(isFlat ? Math.trunc(fromY + slope * at + 0.5) : at + fromY)
  }
}

/** The union of several rings as pycocotools sets it, the meaning of a `segmentation` list in COCO. */
export function rasterizeRings(rings: readonly (readonly number[])[], width: number, height: number): RunLengths {
  if (rings.length === 0) return { width, height, counts: [width * height] }
  return mergeRles(rings.map((ring) => rasterizeRing(ring, width, height)))
}
