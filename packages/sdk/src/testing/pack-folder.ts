import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeTarHeader, paddingAfter, TAR_END } from '../client/publish/tar-header.ts'

/** The files of a folder as a tar, one in memory at a time. */
export async function* packFolder(dir: string): AsyncGenerator<Uint8Array> {
  const names = await readdir(dir, { recursive: true, withFileTypes: true })
  const paths = names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
  for (const path of paths.map((each) => each.replaceAll('\\', '/')).sort()) {
    const body = await readFile(join(dir, path))
    yield encodeTarHeader({ path, sizeBytes: body.length, executable: false })
    yield body
    yield paddingAfter(body.length)
  }
  yield TAR_END
}
