import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { loadPixels, resize } from '@trainyard/datasets'
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
 * Writes images as what every language reads: a JSON object a line, with `pixels` from 0 to 255, row by row, of
 * `config.basic.imgsz` by `imgsz` as the image is shown (three values a pixel with `rgb`). Reads PNG and JPEG; throws
 * `DatasetError` for another.
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
      yield `${JSON.stringify({ ...picture, width: side, height: side, pixels: await readPixels(picture, side, kind) })}\n`
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

async function readPixels({ name, path }: Picture, side: number, kind: PixelKind): Promise<number[]> {
  const loaded = await loadPixels(
    { file: path, path: name, width: 0, height: 0, split: undefined, annotations: [] },
    side,
  )
  if (!('pixels' in loaded)) throw new DatasetError(`"${name}" cannot be handed over as pixels: ${loaded.missing}`)
  const { data } = resize(loaded.pixels, side, side)
  if (kind === 'rgb') return [...data]
  return Array.from({ length: side * side }, (_, at) =>
    Math.round(0.299 * (data[at * 3] ?? 0) + 0.587 * (data[at * 3 + 1] ?? 0) + 0.114 * (data[at * 3 + 2] ?? 0)),
  )
}
