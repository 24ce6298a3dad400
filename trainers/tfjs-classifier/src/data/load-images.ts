import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { DatasetError, ResourceError, type Sample } from '@trainyard/sdk'
import { decodeImage } from '../images/decode-image.ts'
import { fitImage, type InputShape } from '../images/fit-image.ts'

/** Pictures of one split, as bytes one behind the other, and the index of each one's class. */
export interface ImageSet {
  shape: InputShape
  count: number
  pixels: Uint8Array
  labels: Int32Array
}

export interface LoadImagesOptions {
  shape: InputShape
  /** Index of a class by its id in the dataset. */
  classIndex: ReadonlyMap<number, number>
  signal: AbortSignal
  onProgress?(loaded: number, total: number): void
}

/** Read and decoded before the event loop gets a turn: a few milliseconds' work. */
const FILES_AT_ONCE = 128
/** Everything is held in memory; beyond this the machine would swap or die. */
const MAX_BYTES = 2 * 1024 ** 3

/** Reads and decodes pictures, resized and converted to `shape`. Throws a `DatasetError` that names the bad file. */
export async function loadImages(samples: readonly Sample[], options: LoadImagesOptions): Promise<ImageSet> {
  const { shape, classIndex, signal } = options
  const stride = shape.imageSize ** 2 * shape.channels
  if (stride * samples.length > MAX_BYTES) {
    throw new ResourceError(
      `${samples.length} images of ${shape.imageSize}×${shape.imageSize} pixels need ` +
        `${Math.ceil((stride * samples.length) / 1024 ** 2)} MiB, more than ${MAX_BYTES / 1024 ** 2}; lower imgsz`,
    )
  }
  const pixels = new Uint8Array(stride * samples.length)
  const labels = new Int32Array(samples.length)
  for (let start = 0; start < samples.length; start += FILES_AT_ONCE) {
    signal.throwIfAborted()
    const chunk = samples.slice(start, start + FILES_AT_ONCE)
    const files = await Promise.all(chunk.map(readSample))
    for (const [index, sample] of chunk.entries()) {
      const label = classIndex.get(sample.classId)
      if (label === undefined)
        throw new DatasetError(`${sample.name} has the class ${sample.classId}, which is not listed`)
      labels[start + index] = label
      const picture = decodeImage(files[index] ?? new Uint8Array(), sample.name)
      pixels.set(fitImage(picture, shape), (start + index) * stride)
    }
    options.onProgress?.(Math.min(start + FILES_AT_ONCE, samples.length), samples.length)
    await setImmediate()
  }
  return { shape, count: samples.length, pixels, labels }
}

async function readSample(sample: Sample): Promise<Uint8Array> {
  try {
    return await readFile(sample.path)
  } catch (cause) {
    throw new DatasetError(`${sample.name} cannot be read`, { cause })
  }
}
