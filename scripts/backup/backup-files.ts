import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { ConfigError, SchemaDump } from '@trainyard/platform'
import { z } from 'zod'

/** Changes whenever an older restore could not read a backup. */
const FORMAT = 1

const StoredFile = z.object({ path: z.string(), sha256: z.string(), sizeBytes: z.number().int() })
type StoredFile = z.infer<typeof StoredFile>

/** `backup.json`, written last: a folder without it is not a backup. */
export const BackupManifest = z.object({
  format: z.literal(FORMAT),
  createdAt: z.iso.datetime(),
  databases: z.array(SchemaDump),
  objects: z.object({ count: z.number().int(), sizeBytes: z.number().int() }),
  /** Every file but the objects, which carry their own digests, and this one. */
  files: z.array(StoredFile),
})
export type BackupManifest = z.infer<typeof BackupManifest>

/** An object of the backup: a line of `objects.jsonl.gz`. */
export const ObjectEntry = z.object({
  key: z.string(),
  sizeBytes: z.number().int(),
  sha256: z.string(),
  contentType: z.string(),
})
export type ObjectEntry = z.infer<typeof ObjectEntry>

export const tablePath = (schema: string, table: string): string => join('database', schema, `${table}.jsonl.gz`)
export const OBJECTS_LIST = 'objects.jsonl.gz'
export const OBJECTS_DIR = 'objects'

/** Writes lines, compressed, and syncs the file. Returns its path, size and digest. */
export async function writeLines(dir: string, path: string, lines: AsyncIterable<string[]>): Promise<StoredFile> {
  const file = join(dir, path)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const text = async function* () {
    for await (const group of lines) yield `${group.join('\n')}\n`
  }
  await pipeline(Readable.from(text()), createGzip({ level: 4 }), createWriteStream(file, { mode: 0o600, flush: true }))
  return { path, ...(await digestOf(file)) }
}

export async function writeFileOf(dir: string, path: string, contents: string): Promise<StoredFile> {
  const file = join(dir, path)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, contents, { mode: 0o600, flush: true })
  return { path, ...(await digestOf(file)) }
}

export async function* readLines(dir: string, path: string): AsyncGenerator<string> {
  const text = createGunzip().setEncoding('utf8')
  // A failure destroys the text with its error, which the loop throws.
  pipeline(createReadStream(join(dir, path)), text).catch(() => undefined)
  let parts: string[] = []
  for await (const chunk of text as AsyncIterable<string>) {
    const [first = '', ...others] = chunk.split('\n')
    parts.push(first)
    for (const other of others) {
      const line = parts.join('')
      parts = [other]
      if (line !== '') yield line
    }
  }
  const last = parts.join('')
  if (last !== '') yield last
}

async function digestOf(file: string): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sizeBytes += chunk.byteLength
  }
  return { sha256: hash.digest('hex'), sizeBytes }
}

export async function writeManifest(dir: string, manifest: BackupManifest): Promise<void> {
  await writeFile(join(dir, 'backup.json'), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true })
  await syncFolder(dir)
}

/** So that names of new files survive a power failure. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Reads the manifest and checks the digest of every file that it names. @throws ConfigError */
export async function openBackup(dir: string): Promise<BackupManifest> {
  const text = await readFile(join(dir, 'backup.json'), 'utf8').catch((error: unknown) => {
    throw new ConfigError(`${dir} is not a backup: it has no readable file "backup.json"`, { cause: error })
  })
  const parsed = BackupManifest.safeParse(parseJson(text))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new ConfigError(
      `The backup in ${dir} cannot be read by this release (${issue?.path.join('.')}: ${issue?.message}); use the release that wrote it, or a later one`,
    )
  }
  for (const { path, sha256, sizeBytes } of parsed.data.files) {
    const actual = await digestOf(join(dir, path)).catch(() => undefined)
    if (actual === undefined) throw new ConfigError(`The backup in ${dir} is incomplete: ${path} cannot be read`)
    if (actual.sha256 !== sha256)
      throw new ConfigError(
        `The backup in ${dir} is damaged: ${path} has ${actual.sizeBytes} bytes with SHA-256 ${actual.sha256}; ${sizeBytes} bytes with ${sha256} were written`,
      )
  }
  return parsed.data
}

/** For files that need not exist. Other failures are thrown: a file that cannot be read must not count as absent. */
export function unlessAbsent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
