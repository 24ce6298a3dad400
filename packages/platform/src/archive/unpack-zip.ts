import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { TrainyardError } from '../errors.ts'
import { errorMessage } from '../system/describe-error.ts'
import { checkRatio, type DraftFolder, type UnpackedFile, type UnpackLimits, unpackInto } from './draft-folder.ts'
import { entryError } from './entry-error.ts'
import { checkEntryPath } from './entry-path.ts'

const FILE_TYPE_BITS = 0xf000
const UNIX = 3
const STORED = 0
const DEFLATED = 8
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** File types in the upper half of `externalFileAttributes` on Unix, other than files (0x8000) and folders (0x4000). */
const REFUSED_TYPES: Readonly<Record<number, string>> = {
  40960: 'a symbolic link',
  8192: 'a character device',
  24576: 'a block device',
  4096: 'a named pipe',
  49152: 'a socket',
}

/**
 * Unpacks a zip file into a new folder, by the rules of `unpackTar`. It also refuses encrypted entries, methods other than
 * stored and deflated, names that are not UTF-8, and entries with a wrong checksum.
 *
 * @throws TrainyardError `unprocessable`, naming the entry and what is wrong with it
 */
export async function unpackZip(
  zipFile: string,
  targetDir: string,
  limits: UnpackLimits = {},
): Promise<{ files: UnpackedFile[] }> {
  const zip = await openZip(zipFile)
  try {
    const { size } = await stat(zipFile)
    return await unpackInto(targetDir, limits, (draft) => unpackEntries(zip, draft, size, limits))
  } finally {
    zip.close()
  }
}

async function unpackEntries(zip: ZipFile, draft: DraftFolder, zipBytes: number, limits: UnpackLimits): Promise<void> {
  let entry = await nextEntry(zip)
  if (entry === undefined) throw new TrainyardError('unprocessable', 'The archive is empty')
  for (; entry !== undefined; entry = await nextEntry(zip)) {
    const name = nameOf(entry)
    const isFolder = name.endsWith('/')
    checkEntry(entry, name)
    const path = checkEntryPath(name, isFolder)
    if (path === '') continue
    if (isFolder) {
      await draft.addFolder(path)
    } else {
      // yauzl checks while unpacking that the entry has the announced size.
      await draft.announceFile(path, entry.uncompressedSize)
      checkRatio(draft.totalBytes, zipBytes, limits)
      await unpackFile(zip, entry, draft, path)
    }
  }
}

/** Old tools write names in the code page of their machine, which the archive does not name. */
function nameOf(entry: Entry): string {
  try {
    return UTF8.decode(entry.fileNameRaw)
  } catch {
    throw entryError(
      entry.fileNameRaw.toString('latin1'),
      'has a name that is not UTF-8; pack the folder with a tool that writes UTF-8, or as a tar',
    )
  }
}

function checkEntry(entry: Entry, name: string): void {
  if (entry.isEncrypted()) throw entryError(name, 'is encrypted; pack the folder without a password')
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED)
    throw entryError(name, `is compressed by method ${entry.compressionMethod}; expected deflate, or no compression`)
  const kind = REFUSED_TYPES[unixMode(entry) & FILE_TYPE_BITS]
  if (kind !== undefined) throw entryError(name, `is ${kind}; only files and folders are accepted`)
}

/** Type and permission bits; 0 when the archive was not written on Unix. */
function unixMode(entry: Entry): number {
  return entry.versionMadeBy >>> 8 === UNIX ? entry.externalFileAttributes >>> 16 : 0
}

async function unpackFile(zip: ZipFile, entry: Entry, draft: DraftFolder, path: string): Promise<void> {
  let checksum = 0
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of (await openEntry(zip, entry, path)) as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum)
      yield chunk
    }
  }
  try {
    await draft.writeFile(path, chunks(), { isExecutable: (unixMode(entry) & 0o111) !== 0 })
  } catch (error) {
    if (error instanceof TrainyardError || isSystemError(error)) throw error
    throw entryError(path, `cannot be unpacked: ${errorMessage(error)}`)
  }
  if (checksum !== entry.crc32) throw entryError(path, 'is damaged: its checksum differs from the one in the archive')
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
    const done = (settle: () => void) => {
      zip.removeListener('entry', onEntry)
      zip.removeListener('end', onEnd)
      zip.removeListener('error', onError)
      settle()
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
      if (error) reject(isSystemError(error) ? error : entryError(path, `cannot be unpacked: ${error.message}`))
      else resolve(stream)
    })
  })
}

function damaged(error: Error): TrainyardError {
  const detail = `The archive is not a valid zip file, or it is truncated: ${error.message}`
  return new TrainyardError('unprocessable', detail, { cause: error })
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
