import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createTarPacker, type TarHeader, type TarPackController } from 'modern-tar'
import { TrainyardClientError } from '../errors.ts'
import type { FolderFile } from './list-files.ts'

/**
 * Streams a tar of these files. It depends only on paths, contents and executable bits: equal files give equal bytes.
 * Throws {@link TrainyardClientError} with the code `changed` if a file's size is not the listed one.
 */
export async function* tarOfFolder(dir: string, files: readonly FolderFile[]): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const packing = packFiles(dir, files, controller).catch((error: unknown) => controller.error(error))
  yield* readable
  await packing
}

async function packFiles(dir: string, files: readonly FolderFile[], controller: TarPackController): Promise<void> {
  for (const file of files) {
    const entry = controller.add(headerOf(file)).getWriter()
    for await (const chunk of readFile(dir, file)) await entry.write(chunk)
    await entry.close()
  }
  controller.finalize()
}

/** No times and no owners: they would make equal folders differ. */
function headerOf({ path, sizeBytes, executable }: FolderFile): TarHeader {
  const header: TarHeader = {
    name: path,
    type: 'file',
    size: sizeBytes,
    mode: executable ? 0o755 : 0o644,
    mtime: new Date(0),
    uid: 0,
    gid: 0,
  }
  // POSIX defines the encoding of a path only in a pax header.
  if (/[^ -~]/.test(path)) header.pax = { path }
  return header
}

async function* readFile(dir: string, { path, sizeBytes }: FolderFile): AsyncGenerator<Uint8Array> {
  let read = 0
  if (sizeBytes > 0)
    for await (const chunk of createReadStream(join(dir, path), { highWaterMark: 256 * 1024 })) {
      const bytes: Buffer = chunk
      read += bytes.length
      if (read > sizeBytes) break
      yield bytes
    }
  if (read !== sizeBytes)
    throw new TrainyardClientError(
      'changed',
      `${path} changed while it was read: try again when no other program writes to it`,
    )
}
