import { TrainyardClientError } from '../errors.ts'
import { type FolderFile, listFiles, summarize } from './list-files.ts'
import { tarOfFolder } from './tar-of-folder.ts'

/** Never part of a dataset. */
const IGNORED: ReadonlySet<string> = new Set(['.git', '.DS_Store', '.trainyard', '__MACOSX', 'node_modules'])

/** Lists the files of a dataset's folder, sorted by path. Throws {@link TrainyardClientError} for links and special files. */
export async function listFolder(dir: string): Promise<FolderFile[]> {
  const { files, refused } = await listFiles(dir, (path) => IGNORED.has(path.slice(path.lastIndexOf('/') + 1))).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause
      throw new TrainyardClientError('no_folder', `${dir} is not a folder`, { cause })
    },
  )
  if (refused.length > 0)
    throw new TrainyardClientError(
      'invalid_dataset',
      `A dataset must contain only files and folders, but ${dir} has ${summarize(refused)}`,
    )
  return files
}

/** Streams the folder of a dataset as a tar: {@link listFolder}, then {@link tarOfFolder}. */
export async function* packFolder(dir: string): AsyncGenerator<Uint8Array> {
  yield* tarOfFolder(dir, await listFolder(dir))
}
