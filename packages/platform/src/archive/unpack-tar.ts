import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { TrainyardError } from '../errors.ts'
import { ByteReader } from './byte-reader.ts'
import { type ClaimedPaths, checkEntryPath, claimPath } from './entry-path.ts'
import { intoFolder } from './into-folder.ts'
import type { TarHeader } from './tar-header.ts'
import { padded, refused, tarHeaders } from './tar-headers.ts'

export interface UnpackTarOptions {
  /** `'auto'` looks at the first bytes. Default: `'auto'`. */
  gzip?: 'auto' | boolean
  /** More files and folders are refused. Default: 1,000,000. */
  maxFiles?: number
  /** More unpacked bytes are refused. Default: 100 GiB. */
  maxTotalBytes?: number
  /** An archive that unpacks to more than this many times its size is refused. Default: 200, after the first 10 MiB. */
  maxRatio?: number
}

export interface UnpackedFile {
  path: string
  sizeBytes: number
}

const RATIO_FREE_BYTES = 10 * 1024 * 1024

/**
 * Unpacks a tar archive, plain or gzipped, into a new folder. Only plain files and folders are taken, with their
 * execute bits; links, devices, absolute paths, `..`, and paths that another entry has already (also in other letter case)
 * are refused. The folder appears when everything is in it; on failure nothing is left.
 *
 * @param targetDir must not exist, or be empty
 * @throws TrainyardError `unprocessable`, naming the entry and what is wrong with it
 */
export async function unpackTar(
  body: AsyncIterable<Uint8Array>,
  targetDir: string,
  options: UnpackTarOptions = {},
): Promise<{ files: UnpackedFile[] }> {
  return { files: await intoFolder(targetDir, (draft) => unpackInto(body, draft, options)) }
}

async function unpackInto(
  body: AsyncIterable<Uint8Array>,
  draft: string,
  options: UnpackTarOptions,
): Promise<UnpackedFile[]> {
  const { maxFiles = 1_000_000, maxTotalBytes = 100 * 1024 ** 3 } = options
  const reader = new ByteReader(await decompressed(body, options))
  const files: UnpackedFile[] = []
  const seen: ClaimedPaths = new Map()
  let totalBytes = 0
  try {
    for await (const { header, path } of entries(reader)) {
      if (seen.size >= maxFiles) throw refused(path, `is one more than the ${maxFiles} entries that are allowed`)
      const isFolder = header.type === '5'
      claimPath(seen, path, isFolder)
      if (isFolder) {
        await mkdir(join(draft, path), { recursive: true })
        continue
      }
      totalBytes += header.sizeBytes
      if (totalBytes > maxTotalBytes) throw refused(path, `brings the archive over ${maxTotalBytes} bytes`)
      await writeFile(reader, join(draft, path), header)
      files.push({ path, sizeBytes: header.sizeBytes })
    }
  } finally {
    await reader.close().catch(() => undefined)
  }
  return files
}

/** Files and folders, their paths checked. The caller reads a file's bytes. */
async function* entries(reader: ByteReader): AsyncGenerator<{ header: TarHeader; path: string }> {
  let any = false
  for await (const { header, name, sizeBytes } of tarHeaders(reader)) {
    any = true
    const kind = UNWANTED[header.type]
    if (kind !== undefined) throw refused(name, `is ${kind}; only files and folders are taken`)
    if (header.type !== '0' && header.type !== '5' && header.type !== '7') {
      throw refused(name, `has the unknown type "${header.type}"; only files and folders are taken`)
    }
    const path = checkEntryPath(name, header.type === '5')
    // Many tools begin with an entry for the folder itself.
    if (path === '') continue
    if (header.type === '5' && sizeBytes > 0) throw refused(name, 'is a folder with bytes in it')
    yield { header: { ...header, sizeBytes }, path }
  }
  if (!any) throw new TrainyardError('unprocessable', 'The archive is empty')
}

const UNWANTED: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a named pipe',
  S: 'a sparse file',
}

async function writeFile(reader: ByteReader, path: string, { sizeBytes, mode }: TarHeader): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const handle = await open(path, flags, (mode & 0o111) === 0 ? 0o644 : 0o755)
  try {
    let missing = sizeBytes
    while (missing > 0) {
      const piece = await reader.some(missing)
      if (piece === undefined) throw new TrainyardError('unprocessable', 'The archive ends in the middle of a file')
      let offset = 0
      while (offset < piece.length) offset += (await handle.write(piece, offset)).bytesWritten
      missing -= piece.length
    }
  } finally {
    await handle.close()
  }
  const padding = padded(sizeBytes) - sizeBytes
  // Some writers leave out the padding of the very last file.
  if (padding > 0) await reader.exactly(padding)
}

/** Unzips on the way where that is wanted, and stops a bomb while it is still small. */
async function decompressed(
  body: AsyncIterable<Uint8Array>,
  { gzip = 'auto', maxRatio = 200 }: UnpackTarOptions,
): Promise<AsyncIterable<Uint8Array>> {
  const source = new ByteReader(body)
  const head = await firstTwo(source)
  const packed = gzip === 'auto' ? head[0] === 0x1f && head[1] === 0x8b : gzip
  let bytesIn = 0
  const whole = (async function* () {
    try {
      yield head
      for (;;) {
        const piece = await source.some(64 * 1024)
        if (piece === undefined) return
        bytesIn += piece.length
        yield piece
      }
    } finally {
      await source.close()
    }
  })()
  if (!packed) return whole
  return (async function* () {
    const gunzip = createGunzip()
    // Errors come out of gunzip, which is read below.
    const input = Readable.from(whole)
    input.on('error', (error) => gunzip.destroy(error))
    input.pipe(gunzip)
    let bytesOut = 0
    try {
      for await (const chunk of gunzip as AsyncIterable<Buffer>) {
        bytesOut += chunk.length
        if (bytesOut > RATIO_FREE_BYTES && bytesOut > maxRatio * Math.max(bytesIn, 1)) {
          throw new TrainyardError('unprocessable', `The archive unpacks to more than ${maxRatio} times its size`)
        }
        yield chunk
      }
    } catch (error) {
      if (error instanceof TrainyardError || !isZlibError(error)) throw error
      throw new TrainyardError('unprocessable', `The archive is not valid gzip: ${error.message}`, { cause: error })
    } finally {
      input.destroy()
      gunzip.destroy()
    }
  })()
}

async function firstTwo(source: ByteReader): Promise<Buffer> {
  const first = (await source.some(2)) ?? Buffer.alloc(0)
  const second = first.length === 1 ? await source.some(1) : undefined
  return second === undefined ? first : Buffer.concat([first, second])
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
