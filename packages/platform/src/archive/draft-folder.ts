import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { TrainyardError } from '../errors.ts'
import { entryError } from './entry-error.ts'
import { ClaimedPaths } from './entry-path.ts'

export interface UnpackLimits {
  /** More files and folders are refused. Default: 1,000,000. */
  maxFiles?: number | undefined
  /** More unpacked bytes are refused. Default: 100 GiB. */
  maxTotalBytes?: number | undefined
  /** An archive that unpacks to more than this many times its size is refused. Default: 200, after the first 10 MiB. */
  maxRatio?: number | undefined
  /**
   * Asked before bytes are written, with all files and bytes so far, those included. What it throws ends the unpacking. Default: there
   * is room for everything.
   */
  reserve?: ((total: { files: number; bytes: number }) => Promise<void>) | undefined
}

export interface UnpackedFile {
  path: string
  sizeBytes: number
}

const RATIO_FREE_BYTES = 10 * 1024 * 1024

/** @throws TrainyardError `unprocessable` when the unpacked bytes are too many for the size of the archive */
export function checkRatio(unpackedBytes: number, archiveBytes: number, { maxRatio = 200 }: UnpackLimits): void {
  if (unpackedBytes > RATIO_FREE_BYTES && unpackedBytes > maxRatio * Math.max(archiveBytes, 1))
    throw new TrainyardError('unprocessable', `The archive unpacks to more than ${maxRatio} times its size`)
}

/** Receives the entries of an archive, within its limits. Their paths must have passed `checkEntryPath`. */
export class DraftFolder {
  readonly files: UnpackedFile[] = []
  readonly #dir: string
  readonly #maxFiles: number
  readonly #maxTotalBytes: number
  readonly #reserve: UnpackLimits['reserve']
  readonly #paths = new ClaimedPaths()
  #totalBytes = 0

  constructor(dir: string, { maxFiles = 1_000_000, maxTotalBytes = 100 * 1024 ** 3, reserve }: UnpackLimits) {
    this.#dir = dir
    this.#maxFiles = maxFiles
    this.#maxTotalBytes = maxTotalBytes
    this.#reserve = reserve
  }

  /** The announced bytes of all files so far. */
  get totalBytes(): number {
    return this.#totalBytes
  }

  async addFolder(path: string): Promise<void> {
    this.#claim(path, true)
    await mkdir(join(this.#dir, path), { recursive: true })
  }

  /** Checks the limits before a byte of the file is unpacked. Then the caller adds its bytes. */
  async announceFile(path: string, sizeBytes: number): Promise<void> {
    this.#claim(path, false)
    this.#totalBytes += sizeBytes
    if (!Number.isSafeInteger(this.#totalBytes) || this.#totalBytes > this.#maxTotalBytes)
      throw entryError(path, `brings the archive over ${this.#maxTotalBytes} bytes`)
    await this.#reserve?.({ files: this.files.length + 1, bytes: this.#totalBytes })
    this.files.push({ path, sizeBytes })
  }

  async writeFile(path: string, chunks: AsyncIterable<Uint8Array>, { isExecutable }: { isExecutable: boolean }) {
    const file = join(this.#dir, path)
    await mkdir(dirname(file), { recursive: true })
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const handle = await open(file, flags, isExecutable ? 0o755 : 0o644)
    try {
      for await (const chunk of chunks) {
        for (let offset = 0; offset < chunk.length; ) offset += (await handle.write(chunk, offset)).bytesWritten
      }
    } finally {
      await handle.close()
    }
  }

  #claim(path: string, isFolder: boolean): void {
    if (this.#paths.size >= this.#maxFiles)
      throw entryError(path, `is one more than the ${this.#maxFiles} entries that are allowed`)
    this.#paths.claim(path, isFolder)
  }
}

/**
 * Unpacks an archive into a new folder, which appears when it is complete. On failure nothing remains.
 *
 * @throws TrainyardError `conflict` when the folder exists and is not empty
 */
export async function unpackInto(
  targetDir: string,
  limits: UnpackLimits,
  unpack: (draft: DraftFolder) => Promise<void>,
): Promise<{ files: UnpackedFile[] }> {
  const target = resolve(targetDir)
  const dir = join(dirname(target), `.${basename(target)}.${randomUUID()}`)
  await mkdir(dir, { recursive: true })
  try {
    const draft = new DraftFolder(dir, limits)
    await unpack(draft)
    // rename() replaces an empty folder and refuses any other.
    await rename(dir, target).catch((error: unknown) => {
      throw new TrainyardError('conflict', `${basename(target)} already exists and is not empty`, { cause: error })
    })
    return { files: draft.files }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}
