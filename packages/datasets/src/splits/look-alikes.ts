import { loadSharp } from '../pixels/load-sharp.ts'
import { hashPicture } from '../similar/picture-hash.ts'
import { SimilarPictures } from '../similar/similar-pictures.ts'

/**
 * Finds images that look like an earlier one, in the order of their paths. Returns the earlier path by path. Throws
 * `MissingPackageError` without the package `sharp`.
 */
export async function findLookAlikes(
  files: readonly { path: string; file: string }[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const sharp = await loadSharp('Grouping images that look the same')
  const pictures = new SimilarPictures<string>()
  const earlier = new Map<string, string>()
  for (const { path, file } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    signal?.throwIfAborted()
    const hash = await hashPicture(sharp, file)
    const known = hash && pictures.add(hash, path)
    if (known !== undefined) earlier.set(path, known)
  }
  return earlier
}
