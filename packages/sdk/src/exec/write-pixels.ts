import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { readPixels, resizePixels } from '@trainyard/datasets'
import type { JobBase, PredictJob } from '../job.ts'

export type PixelKind = 'gray' | 'rgb'

interface Picture {
  name: string
  path: string
  classId?: number
  className?: string
  split?: string
}

/**
 * Writes one JSON object for each line with the `pixels` of an image, from 0 to 255, row by row, resized to `config.basic.imgsz`
 * by `imgsz` after EXIF rotation (`rgb` has three values for each pixel). PNG needs no other package; JPEG, WebP, GIF, TIFF and
 * AVIF need `sharp`. Throws `DatasetError` for an image that cannot be decoded.
 */
export async function writePixels(
  job: JobBase & { images?: PredictJob['images'] },
  kind: PixelKind,
  path: string,
): Promise<void> {
  const side = job.config.basic.imgsz
  const lines = async function* () {
    for (const picture of await listPictures(job)) {
      job.signal.throwIfAborted()
      yield `${JSON.stringify({ ...picture, width: side, height: side, pixels: await toNumbers(picture, side, kind) })}\n`
    }
  }
  await pipeline(lines(), createWriteStream(path))
}

async function listPictures(job: JobBase & { images?: PredictJob['images'] }): Promise<Picture[]> {
  if (job.images !== undefined) return job.images()
  const { classes, samples } = await job.dataset.samples()
  const names = new Map(classes.map(({ id, name }) => [id, name]))
  return samples.map(({ name, path, split, classId }) => ({
    name,
    path,
    split,
    classId,
    className: names.get(classId) ?? String(classId),
  }))
}

async function toNumbers({ name, path }: Picture, side: number, kind: PixelKind): Promise<number[]> {
  const { data } = resizePixels(await readPixels(path, name), side, side)
  if (kind === 'rgb') return [...data]
  return Array.from({ length: side * side }, (_, at) =>
    Math.round(0.299 * (data[at * 3] ?? 0) + 0.587 * (data[at * 3 + 1] ?? 0) + 0.114 * (data[at * 3 + 2] ?? 0)),
  )
}
