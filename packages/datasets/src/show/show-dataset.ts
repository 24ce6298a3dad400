import { createHash } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import type { SplitName } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { encodePng } from '../images/encode-png.ts'
import type { DatasetClassInfo, DatasetReader, ImageRecord } from '../record/record.ts'
import { type Canvas, createCanvas } from './canvas.ts'
import { colourOf } from './colours.ts'
import { drawAnnotation, drawLabel, labelOf } from './draw-annotation.ts'
import { LETTER_WIDTH, LINE_HEIGHT } from './font.ts'
import { loadPixels, resize } from './load-pixels.ts'

/** Which images a contact sheet shows, and how large. */
export interface ShowDatasetOptions {
  /** The PNG file to write. */
  target: string
  /** In the head of the sheet. Default: the name of the dataset. */
  title?: string
  /** How many images, at most 400. Default 12. */
  count?: number
  /** Images in a row. Default: as many as make the sheet a little wider than high. */
  columns?: number
  /** Side of a tile in pixels, from 64 to 1024. Default 240. */
  tile?: number
  /** Only images of this split. */
  split?: SplitName
  /** Only images that show this class. */
  className?: string
  /** Another seed shows other images. */
  seed?: string
  /** Names of classes beside the objects. Default true. */
  labels?: boolean
  signal?: AbortSignal
}

/** What is on a contact sheet that was written. */
export interface ShownDataset {
  target: string
  width: number
  height: number
  /** Paths of the images on the sheet, row by row. */
  images: string[]
  /** Images without pixels on it, and why. */
  withoutPixels: { path: string; reason: string }[]
}

const MARGIN = 10
const CAPTION = LINE_HEIGHT * 2 + 4
const BACKGROUND = [250, 250, 250] as const
const INK = [40, 40, 40] as const
const FAINT = [125, 125, 125] as const

/**
 * Draws a contact sheet: some images with everything that is known of their objects, and a legend. The same dataset gives
 * the same sheet. Labelled images come first. Decoded are PNG, JPEG, BMP
 * and GIF images (the first frame); others are empty tiles of the right shape that say what they are.
 */
export async function showDataset(reader: DatasetReader, options: ShowDatasetOptions): Promise<ShownDataset> {
  const { target, tile = 240, labels = true } = options
  const count = Math.min(400, options.count ?? 12)
  if (!(Number.isInteger(tile) && tile >= 64 && tile <= 1024))
    throw new DatasetError(`The side of a tile is ${tile}; wanted is a whole number from 64 to 1024`)
  if (!(Number.isInteger(count) && count > 0))
    throw new DatasetError(`The number of images is ${count}; wanted is one from 1`)
  const { chosen, total } = await chooseImages(reader, options, count)
  if (chosen.length === 0) throw new DatasetError('No image to show: none is in this split or shows this class')
  const columns = Math.min(chosen.length, options.columns ?? chooseColumns(chosen.length))
  const rows = Math.ceil(chosen.length / columns)
  const width = MARGIN + columns * (tile + MARGIN)
  const shownClasses = classesOf(chosen, reader.classes)
  const legend = layOutLegend(shownClasses, width)
  const headHeight = MARGIN + LINE_HEIGHT * 2 + MARGIN
  const height = headHeight + rows * (tile + CAPTION + MARGIN) + legend.height + MARGIN
  const canvas = createCanvas(width, height, BACKGROUND)
  drawHead(canvas, options.title ?? reader.name ?? 'Dataset', reader, `${chosen.length} of ${total} images`)

  const withoutPixels: ShownDataset['withoutPixels'] = []
  for (const [index, record] of chosen.entries()) {
    options.signal?.throwIfAborted()
    const x = MARGIN + (index % columns) * (tile + MARGIN)
    const y = headHeight + Math.floor(index / columns) * (tile + CAPTION + MARGIN)
    const missing = await drawTile(canvas, record, reader.classes, { x, y, tile, labels })
    if (missing !== undefined) withoutPixels.push({ path: record.path, reason: missing })
  }
  drawLegend(canvas, legend.items, headHeight + rows * (tile + CAPTION + MARGIN))
  // Under another name first: whoever looks at the old sheet sees the old one or the new one.
  await writeFile(`${target}.partial`, encodePng({ width, height, channels: 3, data: canvas.data }))
  await rename(`${target}.partial`, target)
  return { target, width, height, images: chosen.map(({ path }) => path), withoutPixels }
}

/** A sheet a little wider than high, with as few empty places as there can be. */
function chooseColumns(count: number): number {
  const least = Math.ceil(Math.sqrt(count))
  const choices = Array.from({ length: Math.max(1, Math.ceil(least * 0.7)) }, (_, index) => least + index)
  const empty = (columns: number) => Math.ceil(count / columns) * columns - count
  return choices.reduce((best, columns) => (empty(columns) < empty(best) ? columns : best))
}

/** Those with the smallest hashes, labelled ones first, in the order of their paths. Memory holds no more than are shown. */
async function chooseImages(
  reader: DatasetReader,
  { split, className, seed = '', signal }: ShowDatasetOptions,
  count: number,
): Promise<{ chosen: ImageRecord[]; total: number }> {
  const classId = className === undefined ? undefined : reader.classes.find(({ name }) => name === className)?.id
  if (className !== undefined && classId === undefined) {
    const names = reader.classes.slice(0, 20).map(({ name }) => JSON.stringify(name))
    throw new DatasetError(`There is no class ${JSON.stringify(className)}; there are ${names.join(', ')}`)
  }
  let chosen: { record: ImageRecord; rank: string }[] = []
  let total = 0
  const keepBest = () => {
    chosen = chosen.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, count)
  }
  for await (const record of reader.images()) {
    signal?.throwIfAborted()
    if (split !== undefined && record.split !== split) continue
    if (classId !== undefined && record.annotations.every((annotation) => annotation.classId !== classId)) continue
    total++
    const hash = createHash('md5').update(`${seed}\0${record.path}`).digest('hex')
    chosen.push({ record, rank: `${record.annotations.length > 0 ? 0 : 1}${hash}` })
    if (chosen.length >= count * 2) keepBest()
  }
  keepBest()
  return { chosen: chosen.map(({ record }) => record).sort((a, b) => (a.path < b.path ? -1 : 1)), total }
}

async function drawTile(
  canvas: Canvas,
  record: ImageRecord,
  classes: readonly DatasetClassInfo[],
  { x, y, tile, labels }: { x: number; y: number; tile: number; labels: boolean },
): Promise<string | undefined> {
  const loaded = await loadPixels(record, tile)
  const size = loaded.width > 0 && loaded.height > 0 ? loaded : { width: 4, height: 3 }
  const fit = tile / Math.max(size.width, size.height)
  const [width, height] = [Math.max(1, Math.round(size.width * fit)), Math.max(1, Math.round(size.height * fit))]
  const [left, top] = [x + Math.floor((tile - width) / 2), y + Math.floor((tile - height) / 2)]
  canvas.fillRectangle(x, y, tile, tile, [236, 236, 236])
  if ('pixels' in loaded) blit(canvas, resize(loaded.pixels, width, height), left, top)
  else {
    canvas.fillRectangle(left, top, width, height, [255, 255, 255])
    drawCentred(canvas, loaded.missing, left, top + Math.floor(height / 2) - 4, width)
  }
  // Objects are drawn in pixels of the size they were annotated on.
  const scale = width / (record.width > 0 ? record.width : size.width)
  const place = { x: left, y: top, width, scale }
  canvas.clip(left, top, width, height)
  for (const annotation of record.annotations) {
    const info = classes[annotation.classId]
    if (info !== undefined) drawAnnotation(canvas, annotation, info, place)
  }
  if (labels) {
    let row = 2
    for (const annotation of record.annotations) {
      const info = classes[annotation.classId]
      if (info === undefined) continue
      drawLabel(canvas, annotation, info, place, row)
      if (annotation.kind === 'class') row += LINE_HEIGHT + 3
    }
  }
  canvas.unclip()
  const letters = Math.floor(tile / LETTER_WIDTH)
  const name = record.path.length > letters ? `..${record.path.slice(2 - letters)}` : record.path
  canvas.text(x, y + tile + 3, name, INK)
  const objects = record.annotations.length === 1 ? '1 object' : `${record.annotations.length} objects`
  canvas.text(
    x,
    y + tile + 3 + LINE_HEIGHT,
    `${'missing' in loaded ? `${loaded.missing}  ` : ''}${size.width}x${size.height}  ${record.split ?? 'no split'}  ${objects}`.slice(
      0,
      letters,
    ),
    FAINT,
  )
  return 'missing' in loaded ? loaded.missing : undefined
}

function blit(
  canvas: Canvas,
  { width, height, data }: { width: number; height: number; data: Uint8Array },
  x: number,
  y: number,
): void {
  for (let row = 0; row < height; row++)
    canvas.data.set(data.subarray(row * width * 3, (row + 1) * width * 3), ((y + row) * canvas.width + x) * 3)
}

function drawCentred(canvas: Canvas, text: string, x: number, y: number, width: number): void {
  const shown = text.slice(0, Math.max(1, Math.floor(width / LETTER_WIDTH)))
  canvas.text(x + Math.floor((width - shown.length * LETTER_WIDTH) / 2), y, shown, [90, 90, 90])
}

function drawHead(canvas: Canvas, title: string, { format, taskType, classes }: DatasetReader, shown: string): void {
  canvas.text(MARGIN, MARGIN, title, INK)
  canvas.text(MARGIN, MARGIN + LINE_HEIGHT + 2, `${format}, ${taskType}, ${classes.length} classes, ${shown}`, FAINT)
}

/** How many objects of each class are on the sheet; classes without any are left out. */
function classesOf(records: readonly ImageRecord[], classes: readonly DatasetClassInfo[]) {
  const counts = new Map<number, number>()
  for (const { annotations } of records)
    for (const { classId } of annotations) counts.set(classId, (counts.get(classId) ?? 0) + 1)
  return classes.flatMap((info) => {
    const count = counts.get(info.id)
    return count === undefined ? [] : [{ info, text: `${labelOf(info)} ${count}` }]
  })
}

interface LegendItem {
  info: DatasetClassInfo
  text: string
  x: number
  y: number
}

const MAX_LEGEND = 120
const LEGEND_LINE = LINE_HEIGHT + 5

function layOutLegend(
  classes: readonly { info: DatasetClassInfo; text: string }[],
  width: number,
): { items: LegendItem[]; height: number } {
  const items: LegendItem[] = []
  let [x, y] = [MARGIN, 0]
  for (const { info, text } of classes.slice(0, MAX_LEGEND)) {
    const itemWidth = text.length * LETTER_WIDTH + 26
    if (x > MARGIN && x + itemWidth > width - MARGIN) {
      x = MARGIN
      y += LEGEND_LINE
    }
    items.push({ info, text, x, y })
    x += itemWidth
  }
  return { items, height: items.length === 0 ? 0 : y + LEGEND_LINE }
}

function drawLegend(canvas: Canvas, items: readonly LegendItem[], top: number): void {
  for (const { info, text, x, y } of items) {
    canvas.fillRectangle(x, top + y, 10, 10, colourOf(info))
    canvas.text(x + 14, top + y + 1, text, INK)
  }
}
