import { type GzipFile, gzipTar } from '../folders/gzip-tar.ts'
import type { FolderFile } from '../folders/list-files.ts'
import { tarOfFolder } from '../folders/tar-of-folder.ts'

/** Writes a tar.gz that depends only on paths, contents and executable bits: equal files give equal bytes. */
export async function packBundle(dir: string, files: readonly FolderFile[], target: string): Promise<GzipFile> {
  return await gzipTar(tarOfFolder(dir, files), target)
}
