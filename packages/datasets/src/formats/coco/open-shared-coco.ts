import { createPixelFinder } from '../../files/pixel-finder.ts'
import { toPortablePath } from '../../files/portable-path.ts'
import { explainJsonError } from '../../json/explain-json-error.ts'
import { FileWindow } from '../../json/file-window.ts'
import type { Annotation, DatasetReader, ImageRecord } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { fileNameOfUrl } from './file-name.ts'
import { parseAnnotation } from './parse-annotation.ts'
import type { SharedCoco } from './shared-coco.ts'
import { toAnnotation } from './to-annotation.ts'

/** A larger side is a mistake in the file. */
const MAX_SIDE = 1_000_000

/** Opens indexed COCO files. `range` selects images by their position over all files. */
export function openSharedCoco(
  shared: SharedCoco,
  losses: LossCounter = new LossCounter(),
  range: { start: number; end: number } = { start: 0, end: Number.POSITIVE_INFINITY },
): DatasetReader {
  return {
    format: 'coco',
    taskType: shared.taskType,
    classes: shared.classes,
    losses,
    async *images() {
      let first = 0
      for (const file of shared.files) {
        const count = file.index.imageOffsets.length
        const start = Math.max(0, range.start - first)
        const end = Math.min(count, range.end - first)
        first += count
        if (start < end) yield* readImages(shared, file, { start, end }, losses)
      }
    },
  }
}

function* readImages(
  shared: SharedCoco,
  { index, classById }: SharedCoco['files'][number],
  range: { start: number; end: number },
  losses: LossCounter,
): Generator<ImageRecord> {
  const images = new FileWindow(index.file)
  const annotations = new FileWindow(index.file)
  const pixels = createPixelFinder(shared.root, index.name, index.split, shared.followLinks)
  try {
    for (let at = range.start; at < range.end; at++) {
      if (index.repeated?.[at] === 1) continue
      const length = index.imageLengths[at] as number
      const start = images.read(index.imageOffsets[at] as number, length)
      const place = `images[${index.imageNumbers[at]}] in ${index.name}`
      const record = toRecord(images.bytes.subarray(start, start + length), place)
      if (record === undefined) continue
      const last = index.starts[at + 1] as number
      for (let number = index.starts[at] as number; number < last; number++) {
        const annotation = readAnnotation(number, record)
        if (annotation !== undefined) record.annotations.push(annotation)
      }
      yield record
    }
  } finally {
    images.close()
    annotations.close()
  }

  function toRecord(bytes: Buffer, place: string): ImageRecord | undefined {
    const image = parseImage(bytes, place, losses)
    if (image === undefined) return undefined
    const { id, file_name, width, height, ...rest } = image
    const name = String(file_name ?? fileNameOfUrl(image.coco_url))
    const found = pixels.find(name)
    const path = found?.path ?? toPortablePath(name)
    if (path === undefined) {
      losses.add('image-unsafe-path', () => `${place} has the file_name ${JSON.stringify(file_name).slice(0, 200)}`)
      return undefined
    }
    if (found?.isGuessed) losses.add('image-path-guessed', () => `${place}: ${name.slice(0, 200)} is ${path}`)
    const record: ImageRecord = {
      path,
      file: found?.file,
      width: toSide(width),
      height: toSide(height),
      split: index.split,
      annotations: [],
    }
    // A writer that needs the size reads the header of the image, and counts a size that stays unknown.
    if (record.width === 0 || record.height === 0) record.width = record.height = 0
    if (typeof id === 'number' || typeof id === 'string') {
      record.id = id
      if (typeof id === 'number' && Number.isInteger(id) && !Number.isSafeInteger(id)) {
        losses.add('id-changed', () => `${place} has an id beyond 2^53`)
      }
    }
    for (const _ in rest) {
      record.attributes = rest
      break
    }
    return record
  }

  function readAnnotation(number: number, { width: imageWidth, height: imageHeight }: ImageRecord) {
    const place = () => `annotations[${index.annotationNumbers[number]}] in ${index.name}`
    const length = index.annotationLengths[number] as number
    const start = annotations.read(index.annotationOffsets[number] as number, length)
    const { bytes, words } = annotations
    const context = { classes: shared.classes, classById, imageWidth, imageHeight, losses, place }
    let annotation: Annotation | undefined
    try {
      annotation = toAnnotation(parseAnnotation(bytes, words, start, start + length, shared), context)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      losses.add('annotation-invalid', explainJsonError(place(), bytes.subarray(start, start + length), error).message)
    }
    return annotation
  }
}

/** Undefined, and counted, for an entry that is not JSON in UTF-8. */
function parseImage(bytes: Buffer, place: string, losses: LossCounter): Record<string, unknown> | undefined {
  const text = bytes.toString('utf8')
  if (text.includes('\ufffd') && !bytes.includes('\ufffd')) {
    losses.add('image-invalid', `${place} holds bytes that are not UTF-8`)
    return undefined
  }
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch (error) {
    losses.add('image-invalid', explainJsonError(place, bytes, error).message)
    return undefined
  }
}

function toSide(value: unknown): number {
  const side = typeof value === 'string' ? Number(value) : value
  return typeof side === 'number' && side > 0 && side <= MAX_SIDE ? Math.round(side) : 0
}
