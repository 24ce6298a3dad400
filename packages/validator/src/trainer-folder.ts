import { constants, type Dirent } from 'node:fs'
import { lstat, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { IGNORE_FILE_NAME, type IgnoreRules, MANIFEST_FILE_NAME, parseIgnoreRules } from '@trainyard/contract'
import { CONFIG_FILE_NAME, type ConfigReading, readConfig } from './config/read-config.ts'
import { type Dockerfile, readDockerfile } from './dockerfile/read-dockerfile.ts'
import { type ManifestReading, readManifest } from './manifest/read-manifest.ts'

/** A regular file in the trainer's folder. */
interface TrainerFile {
  /** Relative to the folder, with `/`. */
  readonly path: string
  readonly sizeBytes: number
}

/** An entry that is neither a regular file nor a readable folder. */
interface SpecialEntry {
  readonly path: string
  readonly kind: 'symbolic link' | 'socket' | 'named pipe' | 'device' | 'unreadable folder'
}

/** A trainer's folder, listed once. Links are never followed. */
export interface TrainerFolder {
  /** Absolute path. */
  readonly dir: string
  /** Sorted by path; without the contents of {@link IGNORED_FOLDERS}. */
  readonly files: readonly TrainerFile[]
  readonly specialEntries: readonly SpecialEntry[]
  /** Paths of ignored folders. */
  readonly ignored: readonly string[]
  /** Whether there are more files than `limits.maxFiles`. The remaining files are not listed. */
  readonly truncated: boolean
  readonly limits: FolderLimits
  readonly manifest: ManifestReading
  readonly dockerfiles: readonly Dockerfile[]
  /** The author's settings of the validator. */
  readonly config: ConfigReading
  find(path: string): TrainerFile | undefined
  /** Whether a path, or a folder around it, is not published. */
  isIgnored(path: string): boolean
  /** Reads at most `maxBytes` from the start of a file; undefined if it cannot be read, or is not published. */
  readBytes(path: string, maxBytes: number): Promise<Buffer | undefined>
  readText(path: string, maxBytes: number): Promise<string | undefined>
  /** Aborted when the validation is cancelled. */
  readonly signal: AbortSignal | undefined
}

export interface FolderLimits {
  /** Number of files that are listed. Default 20,000. */
  readonly maxFiles: number
  /** Larger manifests and Dockerfiles are not parsed. Default 1 MiB. */
  readonly maxTextBytes: number
  /** Larger files are not searched for secrets. Default 4 MiB, which takes about 0.1 s. */
  readonly maxScanBytes: number
  /** Total bytes that are searched for secrets. Default 64 MiB. */
  readonly maxScanTotalBytes: number
}

const DEFAULT_LIMITS: FolderLimits = {
  maxFiles: 20_000,
  maxTextBytes: 1024 * 1024,
  maxScanBytes: 4 * 1024 * 1024,
  maxScanTotalBytes: 64 * 1024 * 1024,
}

/** Folders that no rule reads: dependencies, history and the platform's own data. */
export const IGNORED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', '.git', '.trainyard'])

const MAX_DEPTH = 64

/** Lists a trainer's folder and reads its manifest and Dockerfiles. Throws if the folder cannot be listed. */
export async function readTrainerFolder(
  dir: string,
  options: {
    limits?: Partial<FolderLimits> | undefined
    signal?: AbortSignal | undefined
    /** What is not published is not listed. Default: nothing is left out. */
    isIgnored?: IgnoreRules | undefined
  } = {},
): Promise<TrainerFolder> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const { isIgnored = () => false } = options
  const files: TrainerFile[] = []
  const specialEntries: SpecialEntry[] = []
  const ignored: string[] = []
  let truncated = false

  const walk = async (folder: string, depth: number): Promise<void> => {
    options.signal?.throwIfAborted()
    let handle: Awaited<ReturnType<typeof opendir>>
    try {
      handle = await opendir(join(dir, folder))
    } catch (error) {
      if (folder === '') throw error
      specialEntries.push({ path: folder, kind: 'unreadable folder' })
      return
    }
    const folders: string[] = []
    for await (const entry of handle) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      const kind = kindOf(entry)
      if (kind === 'folder') {
        if (IGNORED_FOLDERS.has(entry.name)) ignored.push(path)
        else if (!isIgnored(path, true)) folders.push(path)
      } else if (isIgnored(path, false)) continue
      else if (kind === 'file') {
        if (files.length >= limits.maxFiles) {
          truncated = true
          break
        }
        files.push({ path, sizeBytes: (await lstat(join(dir, path))).size })
      } else if (!IGNORED_FOLDERS.has(entry.name)) specialEntries.push({ path, kind })
    }
    for (const path of folders) {
      if (truncated) return
      if (depth >= MAX_DEPTH) specialEntries.push({ path, kind: 'unreadable folder' })
      else await walk(path, depth + 1)
    }
  }
  await walk('', 0)
  files.sort((a, b) => (a.path < b.path ? -1 : 1))

  const byPath = new Map(files.map((file) => [file.path, file]))
  const isHidden = hidesPath(isIgnored)
  const readBytes = async (path: string, maxBytes: number) =>
    isHidden(path) ? undefined : await readStart(join(dir, path), maxBytes)
  const readText = async (path: string, maxBytes: number) => (await readBytes(path, maxBytes))?.toString('utf8')

  return {
    dir,
    files,
    specialEntries,
    ignored,
    truncated,
    limits,
    manifest: await readManifestFile(byPath.get(MANIFEST_FILE_NAME), limits, readText),
    dockerfiles: await readDockerfiles(files, limits, readText),
    // Also where it is not published.
    config: readConfig((await readStart(join(dir, CONFIG_FILE_NAME), limits.maxTextBytes))?.toString('utf8')),
    find: (path) => byPath.get(path),
    isIgnored: isHidden,
    readBytes,
    readText,
    signal: options.signal,
  }
}

/** What `trainyard publish` leaves out of the folder. */
export async function readIgnoreRules(dir: string): Promise<IgnoreRules> {
  const bytes = await readStart(join(dir, IGNORE_FILE_NAME), DEFAULT_LIMITS.maxTextBytes)
  return parseIgnoreRules(bytes?.toString('utf8') ?? '')
}

/** Whether a file, or a folder around it, is ignored. */
export function hidesPath(isIgnored: IgnoreRules): (path: string) => boolean {
  return (path) => {
    const parts = path.split('/')
    return parts.some((_, index) => isIgnored(parts.slice(0, index + 1).join('/'), index < parts.length - 1))
  }
}

function kindOf(entry: Dirent): 'file' | 'folder' | SpecialEntry['kind'] {
  if (entry.isSymbolicLink()) return 'symbolic link'
  if (entry.isDirectory()) return 'folder'
  if (entry.isFile()) return 'file'
  if (entry.isSocket()) return 'socket'
  return entry.isFIFO() ? 'named pipe' : 'device'
}

/** The file may have been replaced since it was listed: O_NOFOLLOW rejects links, O_NONBLOCK does not wait for pipes. */
export async function readStart(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stat = await handle.stat()
    if (!stat.isFile()) return undefined
    const buffer = Buffer.alloc(Math.min(stat.size, maxBytes))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
    return buffer.subarray(0, bytesRead)
  } catch {
    return undefined
  }
}

type ReadText = TrainerFolder['readText']

async function readManifestFile(
  file: TrainerFile | undefined,
  limits: FolderLimits,
  readText: ReadText,
): Promise<ManifestReading> {
  if (file === undefined) return { state: 'missing' }
  if (file.sizeBytes > limits.maxTextBytes) {
    return {
      state: 'unreadable',
      message: `the file has ${file.sizeBytes} bytes; the maximum is ${limits.maxTextBytes}`,
    }
  }
  const text = await readText(file.path, limits.maxTextBytes)
  return text === undefined ? { state: 'unreadable', message: 'the file cannot be opened' } : readManifest(text)
}

async function readDockerfiles(
  files: readonly TrainerFile[],
  limits: FolderLimits,
  readText: ReadText,
): Promise<Dockerfile[]> {
  const found: Dockerfile[] = []
  for (const { path, sizeBytes } of files) {
    if (!/^(?:Dockerfile(?:\..+)?|.+\.Dockerfile|Containerfile)$/.test(path) || path.includes('/')) continue
    if (path.endsWith('.dockerignore')) continue
    const text = sizeBytes > limits.maxTextBytes ? undefined : await readText(path, limits.maxTextBytes)
    found.push(
      text === undefined
        ? {
            path,
            stages: [],
            globalArgs: [],
            errors: [{ message: 'the file cannot be read or is larger than 1 MiB', line: 1, column: 1 }],
          }
        : readDockerfile(path, text),
    )
  }
  return found
}
