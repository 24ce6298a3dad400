import { constants, type Dirent } from 'node:fs'
import { lstat, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { MANIFEST_FILE_NAME } from '@trainyard/contract'
import { type Dockerfile, readDockerfile } from './dockerfile/read-dockerfile.ts'
import { type ManifestReading, readManifest } from './manifest/read-manifest.ts'

/** A regular file of the package. */
interface TrainerFile {
  /** Relative to the folder, with `/`. */
  readonly path: string
  readonly sizeBytes: number
}

/** A thing of the package that is no regular file and no folder. */
interface OddEntry {
  readonly path: string
  readonly kind: 'symbolic link' | 'socket' | 'named pipe' | 'device' | 'unreadable folder'
}

/** A trainer's folder as the rules see it: listed once, links never followed. */
export interface TrainerFolder {
  /** Absolute path. */
  readonly dir: string
  /** Sorted by path; without what is in {@link IGNORED_FOLDERS}. */
  readonly files: readonly TrainerFile[]
  readonly oddities: readonly OddEntry[]
  /** Ignored folders that are there, by path. */
  readonly ignored: readonly string[]
  /** True when there are more files than `limits.maxFiles`: the rest was not looked at. */
  readonly truncated: boolean
  readonly limits: FolderLimits
  readonly manifest: ManifestReading
  readonly dockerfiles: readonly Dockerfile[]
  find(path: string): TrainerFile | undefined
  /** The first bytes of a file, at most `maxBytes`; undefined when it cannot be read. */
  readBytes(path: string, maxBytes: number): Promise<Buffer | undefined>
  readText(path: string, maxBytes: number): Promise<string | undefined>
  /** Gives up with the signal's reason once the validation has been called off. */
  readonly signal: AbortSignal | undefined
}

export interface FolderLimits {
  /** Files looked at. Default 20,000. */
  readonly maxFiles: number
  /** Largest manifest or Dockerfile that is parsed. Default 1 MiB. */
  readonly maxTextBytes: number
  /** Largest file that is searched for secrets. Default 4 MiB: about 0.1 s. */
  readonly maxScanBytes: number
  /** Bytes searched for secrets in all. Default 64 MiB. */
  readonly maxScanTotalBytes: number
}

const DEFAULT_LIMITS: FolderLimits = {
  maxFiles: 20_000,
  maxTextBytes: 1024 * 1024,
  maxScanBytes: 4 * 1024 * 1024,
  maxScanTotalBytes: 64 * 1024 * 1024,
}

/** Folders that no rule looks into: dependencies, history and the platform's own data. */
export const IGNORED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', '.git', '.trainyard'])

const MAX_DEPTH = 64

/** Lists a trainer's folder and reads its manifest and Dockerfiles. Throws when the folder cannot be listed. */
export async function readTrainerFolder(
  dir: string,
  options: { limits?: Partial<FolderLimits>; signal?: AbortSignal } = {},
): Promise<TrainerFolder> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const files: TrainerFile[] = []
  const oddities: OddEntry[] = []
  const ignored: string[] = []
  let truncated = false

  const walk = async (folder: string, depth: number): Promise<void> => {
    options.signal?.throwIfAborted()
    let handle: Awaited<ReturnType<typeof opendir>>
    try {
      handle = await opendir(join(dir, folder))
    } catch (error) {
      if (folder === '') throw error
      oddities.push({ path: folder, kind: 'unreadable folder' })
      return
    }
    const folders: string[] = []
    for await (const entry of handle) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      const kind = kindOf(entry)
      if (kind === 'folder') {
        if (IGNORED_FOLDERS.has(entry.name)) ignored.push(path)
        else folders.push(path)
      } else if (kind === 'file') {
        if (files.length >= limits.maxFiles) {
          truncated = true
          break
        }
        files.push({ path, sizeBytes: (await lstat(join(dir, path))).size })
      } else if (!IGNORED_FOLDERS.has(entry.name)) oddities.push({ path, kind })
    }
    for (const path of folders) {
      if (truncated) return
      if (depth >= MAX_DEPTH) oddities.push({ path, kind: 'unreadable folder' })
      else await walk(path, depth + 1)
    }
  }
  await walk('', 0)
  files.sort((a, b) => (a.path < b.path ? -1 : 1))

  const byPath = new Map(files.map((file) => [file.path, file]))
  const readBytes = (path: string, maxBytes: number) => readStart(join(dir, path), maxBytes)
  const readText = async (path: string, maxBytes: number) => (await readBytes(path, maxBytes))?.toString('utf8')

  return {
    dir,
    files,
    oddities,
    ignored,
    truncated,
    limits,
    manifest: await readManifestFile(byPath.get(MANIFEST_FILE_NAME), limits, readText),
    dockerfiles: await readDockerfiles(files, limits, readText),
    find: (path) => byPath.get(path),
    readBytes,
    readText,
    signal: options.signal,
  }
}

function kindOf(entry: Dirent): 'file' | 'folder' | OddEntry['kind'] {
  if (entry.isSymbolicLink()) return 'symbolic link'
  if (entry.isDirectory()) return 'folder'
  if (entry.isFile()) return 'file'
  if (entry.isSocket()) return 'socket'
  return entry.isFIFO() ? 'named pipe' : 'device'
}

/** A file may have become a link since it was listed: O_NOFOLLOW refuses it, O_NONBLOCK does not wait for a pipe. */
async function readStart(path: string, maxBytes: number): Promise<Buffer | undefined> {
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
    return { state: 'unreadable', message: `it has ${file.sizeBytes} bytes, at most ${limits.maxTextBytes} are read` }
  }
  const text = await readText(file.path, limits.maxTextBytes)
  return text === undefined ? { state: 'unreadable', message: 'it cannot be opened' } : readManifest(text)
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
        ? { path, stages: [], errors: [{ message: 'it cannot be read, or is larger than 1 MiB', line: 1, column: 1 }] }
        : readDockerfile(path, text),
    )
  }
  return found
}
