import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isSafeRelativePath } from '@trainyard/contract'
import { TrainyardClientError } from './errors.ts'
import type { BundleFile } from './publish/list-bundle-files.ts'
import { encodeTarHeader, paddingAfter, TAR_END } from './publish/tar-header.ts'

/** Never part of a dataset. */
const SKIPPED: ReadonlySet<string> = new Set(['.git', '.DS_Store', '.trainyard', '__MACOSX', 'node_modules'])

/** The files of a dataset's folder, sorted by path. Links and special files are refused, all of them in one message. */
export async function listFolder(dir: string): Promise<BundleFile[]> {
  const files: BundleFile[] = []
  const refused: string[] = []
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (SKIPPED.has(entry.name)) continue
      if (!isSafeRelativePath(path))
        refused.push(`${JSON.stringify(path)} (a backslash or control character in its name)`)
      else if (entry.isSymbolicLink()) refused.push(`${path} (a symbolic link)`)
      else if (entry.isDirectory()) await walk(path)
      else if (entry.isFile()) files.push({ path, sizeBytes: (await stat(join(dir, path))).size, executable: false })
      else refused.push(`${path} (neither a file nor a folder)`)
    }
  }
  await walk('').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause
    throw new TrainyardClientError('no_folder', `${dir} is not a folder: wanted is the folder of a dataset`, { cause })
  })
  if (refused.length > 0) {
    const more = refused.length > 5 ? ` and ${refused.length - 5} more` : ''
    throw new TrainyardClientError(
      'invalid_dataset',
      `A dataset holds plain files only, but ${dir} has ${refused.slice(0, 5).join(', ')}${more}`,
    )
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

/** A tar of these files, read as it is sent: nothing is held in memory or on disk. Equal files give equal bytes. */
export async function* tarOfFolder(dir: string, files: readonly BundleFile[]): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield encodeTarHeader(file)
    let read = 0
    if (file.sizeBytes > 0)
      for await (const chunk of createReadStream(join(dir, file.path), { highWaterMark: 256 * 1024 })) {
        const bytes: Buffer = chunk
        read += bytes.length
        if (read > file.sizeBytes) break
        yield bytes
      }
    if (read !== file.sizeBytes)
      throw new TrainyardClientError(
        'changed',
        `${file.path} changed while it was being read: try again when nothing writes to it`,
      )
    yield paddingAfter(file.sizeBytes)
  }
  yield TAR_END
}

/** The folder of a dataset as a tar: {@link listFolder}, then {@link tarOfFolder}. */
export async function* packFolder(dir: string): AsyncGenerator<Uint8Array> {
  yield* tarOfFolder(dir, await listFolder(dir))
}
