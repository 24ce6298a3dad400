import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListedImage } from '../image/list-images.ts'
import type { TrainerFolder } from '../trainer-folder.ts'

/** Larger folders have no digest: reading them would take longer than their check. */
const MAX_BYTES = 1024 ** 3

/**
 * The digest of what would be published: paths and contents, in the order of the paths. A bundle has that of its folder.
 *
 * @returns `sha256:…`, or undefined for a folder of more than 1 GiB or 20,000 files, or if a file cannot be read
 */
export async function digestOfFolder(folder: TrainerFolder): Promise<string | undefined> {
  const { dir, files, specialEntries, truncated, signal } = folder
  if (truncated || files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > MAX_BYTES) return undefined
  const hash = createHash('sha256')
  for (const { path, kind } of specialEntries) hash.update(`${kind} ${JSON.stringify(path)}\n`)
  try {
    for (const { path } of files)
      hash.update(`${JSON.stringify(path)} ${await digestOfFile(join(dir, path), signal)}\n`)
  } catch {
    signal?.throwIfAborted()
    return undefined
  }
  return `sha256:${hash.digest('hex')}`
}

async function digestOfFile(file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256')
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  await using handle = await open(file, flags)
  for await (const piece of handle.createReadStream({ autoClose: false, signal })) hash.update(piece as Buffer)
  return hash.digest('hex')
}

/** The digest of the configs of an image. They name its contents, however a registry or a container engine has compressed them. */
export function digestOfImages(images: readonly ListedImage[]): string {
  const parts = images.map(({ platform, manifest }) => [platform, manifest.config.digest])
  return `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`
}
