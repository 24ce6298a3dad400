import { readFile } from 'node:fs/promises'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { type ImageFormat, readImageSize } from '../images/image-header.ts'
import type { SharpModule } from '../pixels/load-sharp.ts'
import { isDecodable, openImage, toRgb } from '../pixels/open-image.ts'
import type { Pixels } from '../pixels/read-pixels.ts'
import type { DatasetClassInfo, ImageRecord } from '../record/record.ts'
import { drawAnnotation, drawLabel } from './draw-annotation.ts'
import { render } from './render.ts'
import { drawing, fitEnd, fitStart, LINE_HEIGHT, rectangle, text, textWidth } from './svg.ts'

/** Height of the two lines of text below a tile. */
export const CAPTION_HEIGHT = LINE_HEIGHT * 2 + 4

export interface DrawTileOptions {
  classes: readonly DatasetClassInfo[]
  /** Side of the square that the image is fitted into, in pixels. */
  side: number
  labels: boolean
}

interface Size {
  width: number
  height: number
}

/**
 * Draws an image with its annotations and a caption. A file that cannot be shown is no error: its tile has the right shape
 * and says what is wrong, and `missing` repeats it.
 */
export async function drawTile(
  sharp: SharpModule,
  record: ImageRecord,
  options: DrawTileOptions,
): Promise<{ pixels: Pixels; missing: string | undefined }> {
  const { side } = options
  const source = await findSource(sharp, record)
  const size = source.width > 0 && source.height > 0 ? source : { width: 4, height: 3 }
  const shown = fitInto(size, side)
  const objects = drawObjects(record, size, shown, options)
  let missing = source.missing
  let picture: Pixels | undefined
  if (source.bytes !== undefined) {
    picture = await decode(sharp, source, source.bytes, shown, objects).catch(() => undefined)
    if (picture === undefined) missing = 'file is damaged'
  }
  picture ??= await render(sharp, shown, [...drawNotice(missing ?? '', shown), ...objects])
  const frame = [rectangle(0, 0, side, side, 'fill="#ececec"'), ...drawCaption(record, size, missing, side)]
  const [x, y] = [Math.floor((side - shown.width) / 2), Math.floor((side - shown.height) / 2)]
  const pixels = await render(sharp, { width: side, height: side + CAPTION_HEIGHT }, frame, [{ pixels: picture, x, y }])
  return { pixels, missing }
}

interface Source extends Size {
  format: ImageFormat
  /** Undefined when there is nothing to decode: `missing` says why. */
  bytes: Uint8Array | undefined
  missing: string | undefined
}

/** The file of an image and its size as shown: by its header, otherwise as the dataset says. */
async function findSource(sharp: SharpModule, { file, path, width, height }: ImageRecord): Promise<Source> {
  const none = (missing: string): Source => ({ format: 'unknown', width, height, bytes: undefined, missing })
  if (file === undefined) return none('file is missing')
  try {
    const header = readImageSize(file, path)
    const { format } = header
    const own = header.width > 0 ? header : { width, height }
    const size = { width: own.width, height: own.height }
    if (!isDecodable(format)) return { ...none(`${format.toUpperCase()}: pixels not shown`), ...size }
    const bytes = await readFile(file)
    // The header of AVIF is not read here.
    const known = size.width > 0 ? size : await sharp(bytes).metadata()
    return { format, width: known.width, height: known.height, bytes, missing: undefined }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const code = 'code' in error && !(error instanceof DatasetError) ? error.code : undefined
    return none(code === undefined ? 'file is damaged' : code === 'ENOENT' ? 'file is missing' : 'file cannot be read')
  }
}

function fitInto(size: Size, side: number): Size {
  const fit = side / Math.max(size.width, size.height)
  return {
    width: Math.max(1, Math.round(size.width * fit)),
    height: Math.max(1, Math.round(size.height * fit)),
  }
}

function decode(
  sharp: SharpModule,
  { format, width }: Source,
  bytes: Uint8Array,
  shown: Size,
  objects: readonly string[],
): Promise<Pixels> {
  // The pixels of small images stay visible.
  const kernel = shown.width >= width * 2 ? 'nearest' : 'lanczos3'
  return toRgb(
    openImage(sharp, bytes, format)
      .resize(shown.width, shown.height, { fit: 'fill', kernel })
      .composite([{ input: drawing(shown.width, shown.height, objects) }]),
  )
}

function drawObjects(record: ImageRecord, size: Size, shown: Size, { classes, labels }: DrawTileOptions): string[] {
  // Annotations are in pixels of the size that the dataset declares.
  const scale = shown.width / (record.width > 0 ? record.width : size.width)
  const known = record.annotations.flatMap((annotation) => {
    const info = classes[annotation.classId]
    return info === undefined ? [] : [{ annotation, info }]
  })
  const objects = known.map(({ annotation, info }) => drawAnnotation(annotation, info, scale))
  if (!labels) return objects
  let row = 2
  for (const { annotation, info } of known) {
    objects.push(drawLabel(annotation, info, { width: shown.width, scale }, row))
    if (annotation.kind === 'class') row += LINE_HEIGHT + 2
  }
  return objects
}

function drawNotice(missing: string, { width, height }: Size): string[] {
  const notice = fitStart(missing, width)
  const [x, y] = [(width - textWidth(notice)) / 2, (height - LINE_HEIGHT) / 2]
  return [rectangle(0, 0, width, height, 'fill="#fff"'), text(Math.floor(x), Math.floor(y), notice, '#5a5a5a')]
}

function drawCaption(record: ImageRecord, size: Size, missing: string | undefined, side: number): string[] {
  const count = record.annotations.length
  const facts = [
    ...(missing === undefined ? [] : [missing]),
    `${size.width}×${size.height}`,
    record.split ?? 'no split',
    count === 1 ? '1 object' : `${count} objects`,
  ]
  return [
    text(0, side + 3, fitEnd(record.path, side), '#282828'),
    text(0, side + 3 + LINE_HEIGHT, fitStart(facts.join('  '), side), '#7d7d7d'),
  ]
}
