import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RunLengths } from '../../geometry/rle.ts'
import { rasterizeRing, rasterizeRings, rleArea } from '../../geometry/rle.ts'
import { paintMask } from '../../geometry/value-masks.ts'
import { encodePng } from '../../images/encode-png.ts'
import type { Annotation } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import { devkitColour, devkitPalette, VOID } from './colour-map.ts'

interface Size {
  width: number
  height: number
}
type Lose = (reason: LossReason, what: string) => void

/** A larger image gets no masks: painting takes 6 bytes a pixel. */
export const MAX_MASK_PIXELS = 100_000_000
/** The objects and classes that a byte can number, without background and void. */
export const MAX_NUMBERS = 254
const MAX_COORDINATE = 1_000_000

/** The pixels of an object. Undefined, and counted, when it has no outline. */
export function toObjectMask(annotation: Annotation, { width, height }: Size, lose: Lose): RunLengths | undefined {
  const { rle, polygons, obb, bbox } = annotation
  if (rle !== undefined && rle.width === width && rle.height === height) return rle
  if (rle !== undefined) lose('mask-size-mismatch', `${rle.width} × ${rle.height} in ${width} × ${height}`)
  const [x = 0, y = 0, w = 0, h = 0] = bbox ?? []
  const isDrawn = polygons !== undefined || obb !== undefined
  const rings = polygons ?? (obb ? [obb] : bbox ? [[x, y, x + w, y, x + w, y + h, x, y + h]] : [])
  if (rings.length === 0 || rings.flat().some((value) => !(Math.abs(value) <= MAX_COORDINATE))) {
    lose('annotation-kind-not-supported', `${annotation.kind} has no outline`)
    return undefined
  }
  lose(isDrawn ? 'mask-from-polygon' : 'polygon-from-box', annotation.kind)
  return rings.length === 1 ? rasterizeRing(rings[0] ?? [], width, height) : rasterizeRings(rings, width, height)
}

/** Both masks of an image, and for each object whether it has a number in them. Numbers start at 1, without gaps. */
export interface PaintedMasks {
  classes: Uint8Array
  objects: Uint8Array
  isNumbered: boolean[]
}

/** The object of each pixel, from 1 on; 0 for none. The smallest is painted last, so that it stays visible. */
export function paintOwners(
  masks: readonly { rle: RunLengths }[],
  { width, height }: Size,
): { owners: Int32Array; areas: number[]; left: Uint32Array } {
  const owners = new Int32Array(width * height)
  const areas = masks.map(({ rle }) => rleArea(rle))
  const order = masks.map((_, index) => index).sort((a, b) => (areas[b] ?? 0) - (areas[a] ?? 0) || a - b)
  for (const index of order) paintMask(masks[index]?.rle ?? { width, height, counts: [] }, owners, index + 1)
  const left = new Uint32Array(masks.length + 1)
  for (const owner of owners) left[owner] = (left[owner] ?? 0) + 1
  return { owners, areas, left }
}

/** Paints objects, the smallest last, so that it stays visible. Objects beyond the last number are void, not background. */
export function paintMasks(
  masks: readonly { rle: RunLengths; classId: number; area?: number | undefined }[],
  { width, height }: Size,
  lose: Lose,
): PaintedMasks {
  const { owners, areas, left } = paintOwners(masks, { width, height })
  const numbers = new Uint8Array(masks.length + 1)
  const values = new Uint8Array(masks.length + 1)
  let last = 0
  for (const [index, { classId, area }] of masks.entries()) {
    const [whole = 0, seen = 0] = [areas[index], left[index + 1]]
    const what = `object ${index}`
    if (whole === 0) lose('annotation-too-small', `${what} has no pixel`)
    else if (seen < whole) lose('overlap-flattened', `${what} keeps ${seen} of ${whole} pixels`)
    if (area !== undefined && area !== seen) lose('area-dropped', `${what}: ${area}`)
    if (seen === 0) continue
    if (last === MAX_NUMBERS) lose('object-beyond-limit', `${what}; a mask holds ${MAX_NUMBERS}`)
    numbers[index + 1] = last === MAX_NUMBERS ? VOID : ++last
    values[index + 1] = numbers[index + 1] === VOID ? VOID : classId + 1
  }
  return {
    classes: Uint8Array.from(owners, (owner) => values[owner] as number),
    objects: Uint8Array.from(owners, (owner) => numbers[owner] as number),
    isNumbered: masks.map((_, index) => (numbers[index + 1] ?? 0) > 0 && numbers[index + 1] !== VOID),
  }
}

/** Writes `SegmentationClass` and `SegmentationObject` of an image in the devkit's colours. */
export async function writeMasks(target: string, stem: string, size: Size, masks: PaintedMasks): Promise<void> {
  const palette = devkitPalette()
  const folders = [
    ['SegmentationClass', masks.classes],
    ['SegmentationObject', masks.objects],
  ] as const
  for (const [folder, data] of folders) {
    const file = join(target, folder, `${stem}.png`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, encodePng({ ...size, channels: 1, data, palette }))
  }
}

/** The `labelmap.txt` that Datumaro and CVAT read. */
export function toLabelMap(names: readonly string[]): string {
  const rows = ['background', ...names].map((name, number) => {
    const colour = devkitColour(number)
    return `${name}:${colour >> 16},${(colour >> 8) & 255},${colour & 255}::\n`
  })
  return `# label:color_rgb:parts:actions\n${rows.join('')}`
}
