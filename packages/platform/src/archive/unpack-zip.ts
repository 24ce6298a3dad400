import { constants } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { TrainyardError } from '../errors.ts'
import { type ClaimedPaths, checkEntryPath, claimPath } from './entry-path.ts'
import { intoFolder } from './into-folder.ts'
import { refused } from './tar-headers.ts'
import type { UnpackedFile, UnpackTarOptions } from './unpack-tar.ts'

const RATIO_FREE_BYTES = 10 * 1024 * 1024
const FILE_TYPE_BITS = 0xf000
const UNIX = 3
const STORED = 0
const DEFLATED = 8
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** What the upper half of `externalFileAttributes` may say on Unix, besides plain files (0x8000) and folders (0x4000). */
const UNWANTED: Readonly<Record<number, string>> = {
  40960: 'a symbolic link',
  8192: 'a character device',
  24576: 'a block device',
  4096: 'a named pipe',
  49152: 'a socket',
}

/**
 * Unpacks a zip file into a new folder, by the same rules as `unpackTar`. Encrypted entries, methods other than stored and
 * deflated, names that are not UTF-8, and bytes whose checksum is wrong are refused too.
 *
 * @param zipFile on disk: the list of a zip's entries is at its end
 * @throws TrainyardError `unprocessable`, naming the entry and what is wrong with it
 */
export async function unpackZip(
  zipFile: string,
  targetDir: string,
  options: Omit<UnpackTarOptions, 'gzip'> = {},
): Promise<{ files: UnpackedFile[] }> {
  const zip = await openZip(zipFile)
  try {
    const { size } = await stat(zipFile)
    return { files: await intoFolder(targetDir, (draft) => unpackInto(zip, draft, size, options)) }
  } finally {
    zip.close()
  }
}

async function unpackInto(
  zip: ZipFile,
  draft: string,
  zipBytes: number,
  options: Omit<UnpackTarOptions, 'gzip'>,
): Promise<UnpackedFile[]> {
  const { maxFiles = 1_000_000, maxTotalBytes = 100 * 1024 ** 3, maxRatio = 200 } = options
  const files: UnpackedFile[] = []
  const seen: ClaimedPaths = new Map()
  let totalBytes = 0
  let entry = await nextEntry(zip)
  if (entry === undefined) throw new TrainyardError('unprocessable', 'The archive is empty')
  for (; entry !== undefined; entry = await nextEntry(zip)) {
    const name = nameOf(entry)
    const isFolder = name.endsWith('/')
    checkKind(entry, name)
    const path = checkEntryPath(name, isFolder)
    if (path === '') continue
    if (seen.size >= maxFiles) throw refused(path, `is one more than the ${maxFiles} entries that are allowed`)
    claimPath(seen, path, isFolder)
    if (isFolder) {
      await mkdir(join(draft, path), { recursive: true })
      continue
    }
    // Said before a byte is unpacked; that the entry keeps to it is checked while it is.
    const sizeBytes = entry.uncompressedSize
    totalBytes += sizeBytes
    if (!Number.isSafeInteger(totalBytes) || totalBytes > maxTotalBytes)
      throw refused(path, `brings the archive over ${maxTotalBytes} bytes`)
    if (totalBytes > RATIO_FREE_BYTES && totalBytes > maxRatio * zipBytes)
      throw new TrainyardError('unprocessable', `The archive unpacks to more than ${maxRatio} times its size`)
    await writeEntry(zip, entry, join(draft, path), path)
    files.push({ path, sizeBytes })
  }
  return files
}

/** Old tools write names in the code page of their machine: what they meant cannot be told. */
function nameOf(entry: Entry): string {
  try {
    return UTF8.decode(entry.fileNameRaw)
  } catch {
    throw refused(
      entry.fileNameRaw.toString('latin1'),
      'has a name that is not UTF-8; pack the folder anew with a tool that writes UTF-8, or as a tar',
    )
  }
}

function checkKind(entry: Entry, name: string): void {
  if (entry.isEncrypted()) throw refused(name, 'is encrypted; pack the folder without a password')
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED)
    throw refused(name, `is compressed by method ${entry.compressionMethod}; wanted is deflate, or none`)
  if (entry.versionMadeBy >>> 8 !== UNIX) return
  const kind = UNWANTED[(entry.externalFileAttributes >>> 16) & FILE_TYPE_BITS]
  if (kind !== undefined) throw refused(name, `is ${kind}; only files and folders are taken`)
}

async function writeEntry(zip: ZipFile, entry: Entry, file: string, path: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const isProgram = entry.versionMadeBy >>> 8 === UNIX && ((entry.externalFileAttributes >>> 16) & 0o111) !== 0
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const handle = await open(file, flags, isProgram ? 0o755 : 0o644)
  let checksum = 0
  try {
    const stream = await openEntry(zip, entry, path)
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum)
      for (let offset = 0; offset < chunk.length; ) offset += (await handle.write(chunk, offset)).bytesWritten
    }
  } catch (error) {
    if (error instanceof TrainyardError || isSystemError(error)) throw error
    throw refused(path, `cannot be unpacked: ${messageOf(error)}`)
  } finally {
    await handle.close()
  }
  if (checksum !== entry.crc32) throw refused(path, 'is damaged: its checksum is not the one in the archive')
}

function openZip(file: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: true } as const
    yauzl.open(file, options, (error, zip) => {
      if (error) reject(isSystemError(error) ? error : damaged(error))
      else resolve(zip)
    })
  })
}

/** The next entry; undefined after the last one. */
function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const done = (act: () => void) => {
      zip.removeListener('entry', onEntry)
      zip.removeListener('end', onEnd)
      zip.removeListener('error', onError)
      act()
    }
    const onEntry = (entry: Entry) => done(() => resolve(entry))
    const onEnd = () => done(() => resolve(undefined))
    const onError = (error: Error) => done(() => reject(isSystemError(error) ? error : damaged(error)))
    zip.once('entry', onEntry)
    zip.once('end', onEnd)
    zip.once('error', onError)
    zip.readEntry()
  })
}

function openEntry(zip: ZipFile, entry: Entry, path: string): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) reject(isSystemError(error) ? error : refused(path, `cannot be unpacked: ${error.message}`))
      else resolve(stream)
    })
  })
}

function damaged(error: Error): TrainyardError {
  return new TrainyardError(
    'unprocessable',
    `The archive is not a valid zip file, or it is cut off: ${error.message}`,
    {
      cause: error,
    },
  )
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
