import { rename } from 'node:fs/promises'
import type { SplitName } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { loadSharp } from '../pixels/load-sharp.ts'
import type { Pixels } from '../pixels/read-pixels.ts'
import type { DatasetReader } from '../record/record.ts'
import { chooseImages } from './choose-images.ts'
import { CAPTION_HEIGHT, drawTile } from './draw-tile.ts'
import { drawLegend } from './legend.ts'
import { BACKGROUND, place, render } from './render.ts'
import { fitStart, LINE_HEIGHT, text } from './svg.ts'

/** Which images a contact sheet shows, and at what size. */
export interface ShowDatasetOptions {
  /** The PNG file to write. */
  target: string
  /** At the top of the sheet. Default: the name of the dataset. */
  title?: string | undefined
  /** Number of images, at most 400. Default 12. */
  count?: number | undefined
  /** Images in a row. Default: as many as make the sheet a little wider than high. */
  columns?: number | undefined
  /** Side of a tile in pixels, from 64 to 1024. Default 240. */
  tile?: number | undefined
  /** Only images of this split. */
  split?: SplitName | undefined
  /** Only images with an object of this class. */
  className?: string | undefined
  /** Another seed shows other images. */
  seed?: string | undefined
  /** Draw the class names beside the objects. Default true. */
  labels?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** The contact sheet that was written. */
export interface ShownDataset {
  target: string
  width: number
  height: number
  /** Paths of the images on the sheet, row by row. */
  images: string[]
  /** Images whose pixels could not be shown, and why. */
  withoutPixels: { path: string; reason: string }[]
}

const MARGIN = 10
const HEAD_HEIGHT = MARGIN + LINE_HEIGHT * 2 + MARGIN
const MAX_IMAGES = 400
/** The largest drawing that the SVG renderer takes is 32,767 pixels wide. */
const MAX_TEXT_WIDTH = 16_000

/**
 * Draws a contact sheet: some images with everything that is known of their objects, and a legend. The same dataset gives
 * the same sheet on the same machine: names are drawn in the system's monospaced font. Labelled images come first. Images
 * that cannot be decoded, such as BMP and HEIC, are empty tiles of the right shape that name the reason.
 *
 * Needs the package `sharp`; throws `MissingPackageError` without it.
 */
export async function showDataset(reader: DatasetReader, options: ShowDatasetOptions): Promise<ShownDataset> {
  const { target, tile = 240, labels = true, split, className, seed, signal } = options
  const count = Math.min(MAX_IMAGES, options.count ?? 12)
  if (!(Number.isInteger(tile) && tile >= 64 && tile <= 1024))
    throw new DatasetError(`The side of a tile is ${tile}; expected a whole number from 64 to 1024`)
  if (!(Number.isInteger(count) && count > 0))
    throw new DatasetError(`The number of images is ${count}; expected a whole number from 1 to ${MAX_IMAGES}`)
  const sharp = await loadSharp('Drawing a contact sheet')
  const { chosen, total } = await chooseImages(reader, { count, split, className, seed, signal })
  if (chosen.length === 0) throw new DatasetError('No image to show: none is in this split or has this class')

  const columns = Math.min(chosen.length, options.columns ?? chooseColumns(chosen.length))
  const rows = Math.ceil(chosen.length / columns)
  const width = MARGIN + columns * (tile + MARGIN)
  const textWidth = Math.min(width, MAX_TEXT_WIDTH)
  const legend = drawLegend(chosen, reader.classes, { width: textWidth, margin: MARGIN })
  const legendTop = HEAD_HEIGHT + rows * (tile + CAPTION_HEIGHT + MARGIN)
  const height = legendTop + legend.height + MARGIN
  const sheet: Pixels = {
    width,
    height,
    data: new Uint8Array(width * height * 3).fill(Number.parseInt(BACKGROUND.slice(1, 3), 16)),
  }
  const head = drawHead(
    options.title ?? reader.name ?? 'Dataset',
    reader,
    `${chosen.length} of ${total} images`,
    textWidth,
  )
  place(await render(sharp, { width: textWidth, height: HEAD_HEIGHT }, head), sheet, 0, 0)
  if (legend.height > 0)
    place(await render(sharp, { width: textWidth, height: legend.height }, legend.elements), sheet, 0, legendTop)

  const withoutPixels: ShownDataset['withoutPixels'] = []
  for (const [index, record] of chosen.entries()) {
    signal?.throwIfAborted()
    const { pixels, missing } = await drawTile(sharp, record, { classes: reader.classes, side: tile, labels })
    const x = MARGIN + (index % columns) * (tile + MARGIN)
    const y = HEAD_HEIGHT + Math.floor(index / columns) * (tile + CAPTION_HEIGHT + MARGIN)
    place(pixels, sheet, x, y)
    if (missing !== undefined) withoutPixels.push({ path: record.path, reason: missing })
  }
  // Written under another name first: a viewer of the old sheet never sees half of the new one.
  const raw = { width, height, channels: 3 as const }
  await sharp(sheet.data, { raw, limitInputPixels: false }).png().toFile(`${target}.partial`)
  await rename(`${target}.partial`, target)
  return { target, width, height, images: chosen.map(({ path }) => path), withoutPixels }
}

/** Columns for a sheet a little wider than high, with as few empty tiles as possible. */
function chooseColumns(count: number): number {
  const least = Math.ceil(Math.sqrt(count))
  const choices = Array.from({ length: Math.max(1, Math.ceil(least * 0.7)) }, (_, index) => least + index)
  const empty = (columns: number) => Math.ceil(count / columns) * columns - count
  return choices.reduce((best, columns) => (empty(columns) < empty(best) ? columns : best))
}

function drawHead(title: string, { format, taskType, classes }: DatasetReader, shown: string, width: number): string[] {
  const facts = `${format}, ${taskType}, ${classes.length} ${classes.length === 1 ? 'class' : 'classes'}, ${shown}`
  const fit = (line: string) => fitStart(line, width - MARGIN * 2)
  return [text(MARGIN, MARGIN, fit(title), '#282828'), text(MARGIN, MARGIN + LINE_HEIGHT + 2, fit(facts), '#7d7d7d')]
}
