import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createTarPacker, type TarHeader, type TarPackController } from 'modern-tar'
import { TrainyardClientError } from '../errors.ts'
import type { FolderFile } from './list-files.ts'

export interface TarOptions {
  /** A folder in the tar, such as `opt/trainer`. The tar then has entries for all folders, as layers of images need them. */
  under?: string | undefined
  /** Symbolic links, by their path below `under`, with their targets. */
  links?: Readonly<Record<string, string>> | undefined
}

/**
 * Streams a tar of these files. It depends only on paths, contents and executable bits: equal files give equal bytes.
 * Throws {@link TrainyardClientError} with the code `changed` if a file's size is not the listed one.
 */
export async function* tarOfFolder(
  dir: string,
  files: readonly FolderFile[],
  options: TarOptions = {},
): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const packing = packFiles(dir, files, options, controller).catch((error: unknown) => controller.error(error))
  yield* readable
  await packing
}

async function packFiles(
  dir: string,
  files: readonly FolderFile[],
  { under, links = {} }: TarOptions,
  controller: TarPackController,
): Promise<void> {
  const prefix = under === undefined ? '' : `${under}/`
  const add = async (header: TarHeader, body?: AsyncIterable<Uint8Array>) => {
    const entry = controller.add(header).getWriter()
    for await (const chunk of body ?? []) await entry.write(chunk)
    await entry.close()
  }
  const paths = [...files.map(({ path }) => path), ...Object.keys(links)].map((path) => `${prefix}${path}`)
  if (under !== undefined) for (const folder of foldersOf(paths)) await add(headerOf(`${folder}/`, 'directory', 0o755))
  for (const [path, linkname] of Object.entries(links))
    await add({ ...headerOf(`${prefix}${path}`, 'symlink', 0o777), linkname })
  for (const file of files) {
    const header = headerOf(`${prefix}${file.path}`, 'file', file.executable ? 0o755 : 0o644)
    await add({ ...header, size: file.sizeBytes }, readFile(dir, file))
  }
  controller.finalize()
}

/** The folders of these paths, each after the one that contains it. */
function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const path of paths) {
    const parts = path.split('/').slice(0, -1)
    for (let count = 1; count <= parts.length; count++) folders.add(parts.slice(0, count).join('/'))
  }
  return [...folders].sort((a, b) => (a < b ? -1 : 1))
}

/** No times and no owners: they would make equal folders differ. */
function headerOf(name: string, type: 'file' | 'directory' | 'symlink', mode: number): TarHeader {
  const header: TarHeader = { name, type, size: 0, mode, mtime: new Date(0), uid: 0, gid: 0 }
  // POSIX defines the encoding of a path only in a pax header.
  if (/[^ -~]/.test(name)) header.pax = { path: name }
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
