import { TrainyardError } from '../errors.ts'
import { ByteReader } from './byte-reader.ts'
import { decompress, type Packing, packingOf } from './decompress.ts'
import { type DraftFolder, type UnpackedFile, type UnpackLimits, unpackInto } from './draft-folder.ts'
import { entryError } from './entry-error.ts'
import { checkEntryPath } from './entry-path.ts'
import { paddedSize } from './tar/header-block.ts'
import { type EntryHeader, readHeaders } from './tar/read-headers.ts'

export interface UnpackTarOptions extends UnpackLimits {
  /** `'auto'` decides by the first bytes. Default: `'auto'`. */
  gzip?: 'auto' | boolean | undefined
}

/**
 * Unpacks a tar archive, uncompressed or gzipped, into a new folder. It accepts files and folders, and keeps their execute
 * bits. Links, devices, absolute paths, `..`, and paths that another entry has (also in other letter case) are refused. The
 * folder appears when it is complete; on failure nothing remains.
 *
 * @param targetDir must not exist, or be empty
 * @throws TrainyardError `unprocessable`, naming the entry and what is wrong with it
 */
export async function unpackTar(
  body: AsyncIterable<Uint8Array>,
  targetDir: string,
  options: UnpackTarOptions = {},
): Promise<{ files: UnpackedFile[] }> {
  const reader = new ByteReader(unpacked(body, options))
  return await unpackInto(targetDir, options, async (draft) => {
    try {
      await unpackEntries(reader, draft)
    } finally {
      await reader.close().catch(() => undefined)
    }
  })
}

async function* unpacked(body: AsyncIterable<Uint8Array>, options: UnpackTarOptions): AsyncGenerator<Buffer> {
  const { gzip = 'auto', maxRatio } = options
  const source = new ByteReader(body)
  const packing: Packing = gzip === 'auto' ? packingOf(await source.peek(4)) : gzip ? 'gzip' : 'none'
  if (packing === 'zstd')
    throw new TrainyardError('unprocessable', 'The archive is compressed with zstd; expected gzip, or no compression')
  yield* decompress(source.remaining(), { packing, maxRatio })
}

async function unpackEntries(reader: ByteReader, draft: DraftFolder): Promise<void> {
  let isEmpty = true
  for await (const header of readHeaders(reader)) {
    isEmpty = false
    checkType(header)
    const { name, sizeBytes, mode } = header
    const isFolder = header.type === '5'
    const path = checkEntryPath(name, isFolder)
    // Many tools start with an entry for the folder itself.
    if (path === '') continue
    if (isFolder) {
      if (sizeBytes > 0) throw entryError(name, 'is a folder with bytes')
      await draft.addFolder(path)
    } else {
      await draft.announceFile(path, sizeBytes)
      await draft.writeFile(path, bytesOf(reader, sizeBytes), { isExecutable: (mode & 0o111) !== 0 })
      // Some writers omit the padding of the last file.
      await reader.exactly(paddedSize(sizeBytes) - sizeBytes)
    }
  }
  if (isEmpty) throw new TrainyardError('unprocessable', 'The archive is empty')
}

/** `0` and `7` are files, `5` is a folder. */
const ACCEPTED_TYPES = ['0', '5', '7']

const REFUSED_TYPES: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a named pipe',
}

function checkType({ name, type, isSparse }: EntryHeader): void {
  if (ACCEPTED_TYPES.includes(type) && !isSparse) return
  const kind = isSparse ? 'a sparse file' : REFUSED_TYPES[type]
  const problem = kind === undefined ? `has the unknown type "${type}"` : `is ${kind}`
  throw entryError(name, `${problem}; only files and folders are accepted`)
}

async function* bytesOf(reader: ByteReader, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let missing = sizeBytes; missing > 0; ) {
    const piece = await reader.some(missing)
    if (piece === undefined) throw new TrainyardError('unprocessable', 'The archive ends in the middle of a file')
    yield piece
    missing -= piece.length
  }
}
