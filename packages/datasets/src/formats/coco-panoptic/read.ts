import { DatasetError } from '@trainyard/contract/trainer-errors'
import { MaskError } from '../../errors.ts'
import { listFiles } from '../../files/list-files.ts'
import { masksOfValues } from '../../geometry/value-masks.ts'
import { toMaskObject } from '../../record/mask-object.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { ImageNames } from '../named/image-names.ts'
import type { NamedImage, NamedObject } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'
import { loadMask } from '../voc/load-mask.ts'
import { type PanopticFile, type PanopticImage, parsePanopticFile } from './parse-file.ts'

/** Pixels of no segment. */
const NONE = 0

/**
 * Opens COCO's panoptic format: `panoptic_train.json` lists the segments of each image, and a PNG in the folder
 * `panoptic_train` has their numbers as colours. Each segment is an object, also those of stuff such as sky.
 */
export async function readCocoPanoptic(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { signal } = options
  const listing = await listFiles(dir, options)
  const files: PanopticFile[] = []
  const broken: DatasetError[] = []
  for (const path of listing.files.filter((name) => /\.json$/i.test(name))) {
    try {
      const file = await parsePanopticFile(dir, path, signal)
      if (file !== undefined) files.push(file)
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error
      broken.push(error)
    }
  }
  const [firstError] = broken
  if (files.length === 0 && firstError !== undefined) throw firstError
  const classes = [
    ...new Map(files.flatMap((file) => [...file.classes.values()].map((info) => [info.name, info]))).values(),
  ]
  const pngs = listing.files.filter((path) => /\.png$/i.test(path))
  const masks = new Set<string>()
  const finders = new Map<PanopticFile, ImageNames>()
  for (const file of files) {
    // `panoptic_train2017.json` and its folder `panoptic_train2017`; otherwise a PNG of this name anywhere.
    const stem = file.path.replace(/\.json$/i, '')
    const own = pngs.filter((path) => path.startsWith(`${stem}/`))
    const names = new ImageNames(own.length > 0 ? own : pngs.filter((path) => /panoptic|mask|annotation/i.test(path)))
    finders.set(file, names)
    for (const { maskName } of file.images) {
      const mask = names.find(maskName)
      if (mask !== undefined) masks.add(mask.path)
    }
  }
  return readNamed(
    {
      format: 'coco-panoptic',
      dir,
      listing,
      classes,
      taskType: 'segmentation',
      isOwn: (path) => masks.has(path) || files.some((file) => file.path === path),
      async *images(losses) {
        for (const error of broken) losses.add('label-file-invalid', error.message)
        for (const file of files) {
          const byName = new Map(file.images.map((image) => [image.maskName, image]))
          yield* readEach([...byName.keys()], losses, async (maskName) => {
            const image = byName.get(maskName)
            return image === undefined
              ? []
              : [await toImage(image, file, finders.get(file)?.find(maskName)?.path, losses)]
          })
        }
      },
    },
    options,
  )

  async function toImage(
    image: PanopticImage,
    file: PanopticFile,
    maskPath: string | undefined,
    losses: LossCounter,
  ): Promise<NamedImage> {
    const { name, width, height, maskName } = image
    const from = `${maskName} of ${file.path}`
    if (maskPath === undefined) throw new DatasetError(`${from} does not exist; ${name} is left out`)
    const objects = await readSegments(image, file, maskPath, from, losses)
    return { name, from, width, height, split: file.split, objects }
  }

  async function readSegments(
    { width, height, segments }: PanopticImage,
    file: PanopticFile,
    maskPath: string,
    from: string,
    losses: LossCounter,
  ): Promise<NamedObject[]> {
    const mask = await loadMask(dir, maskPath, width > 0 && height > 0 ? { width, height } : undefined).catch(
      (error: unknown) => {
        throw error instanceof MaskError ? new DatasetError(error.message, { cause: error }) : error
      },
    )
    const masksById = new Map<number, ReturnType<typeof toMaskObject>>()
    for (const [value, rle] of masksOfValues(mask, NONE))
      masksById.set(mask.isColours ? toId(value) : value, toMaskObject(rle))
    const objects = segments.flatMap(({ id, categoryId, isCrowd }): NamedObject[] => {
      const found = masksById.get(id)
      masksById.delete(id)
      const label = file.classes.get(categoryId)?.name
      if (label === undefined) losses.add('annotation-of-unknown-class', `${from}: category ${categoryId}`)
      if (found === undefined) losses.add('annotation-too-small', `${from}: segment ${id} has no pixel`)
      return label === undefined || found === undefined ? [] : [{ ...found, label, id, isCrowd: isCrowd || undefined }]
    })
    for (const id of masksById.keys()) losses.add('annotation-of-unknown-class', `${from}: pixels of segment ${id}`)
    return objects
  }
}

/** Red is the lowest byte. */
function toId(colour: number): number {
  return ((colour >> 16) & 255) | (((colour >> 8) & 255) << 8) | ((colour & 255) << 16)
}
