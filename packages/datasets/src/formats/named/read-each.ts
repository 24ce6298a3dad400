import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { LossCounter } from '../../report/loss-counter.ts'
import type { NamedImage } from './named-image.ts'

/** The images of each file. A file that cannot be read costs its images, and is counted. */
export async function* readEach(
  paths: readonly string[],
  losses: LossCounter,
  read: (path: string) => Promise<Iterable<NamedImage>> | Iterable<NamedImage>,
): AsyncGenerator<NamedImage> {
  for (const path of paths) {
    let images: NamedImage[]
    try {
      images = [...(await read(path))]
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error
      losses.add('label-file-invalid', error.message)
      continue
    }
    yield* images
  }
}
