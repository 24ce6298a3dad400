import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ConfigError, dumpDatabase } from '@trainyard/platform'
import { KEPT_FILES, MIGRATIONS } from './areas.ts'
import {
  type BackupManifest,
  OBJECTS_DIR,
  OBJECTS_LIST,
  syncFolder,
  tablePath,
  unlessAbsent,
  writeFileOf,
  writeLines,
  writeManifest,
} from './backup-files.ts'
import { backupStore, copyAll } from './copy-objects.ts'
import { type Environment, openDatabasePart, openStorePart } from './open-parts.ts'

export interface BackupOptions {
  dataDir: string
  /** The new folder of the backup. */
  to: string
  env: Environment
  signal?: AbortSignal | undefined
  onProgress(text: string): void
}

/**
 * Writes a backup into a new folder, also while the platform works. The database comes first, in one transaction; the objects
 * after it, while the servers delete none: so each object that the dump names is in the backup. The folder gets its name
 * when it is complete.
 */
export async function createBackup(options: BackupOptions): Promise<BackupManifest> {
  const to = resolve(options.to)
  const draft = `${to}.partial`
  if (await exists(to)) throw new ConfigError(`${to} already exists; choose a folder that does not exist yet`)
  await mkdir(dirname(to), { recursive: true })
  // What a backup that was killed has left.
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  try {
    const manifest = await fill(draft, { ...options, dataDir: resolve(options.dataDir) })
    options.signal?.throwIfAborted()
    await writeManifest(draft, manifest)
    await rename(draft, to)
    await syncFolder(dirname(to))
    return manifest
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

async function fill(dir: string, { dataDir, env, signal, onProgress }: BackupOptions): Promise<BackupManifest> {
  const createdAt = new Date().toISOString()
  const store = openStorePart(dataDir, env)
  const database = await openDatabasePart(dataDir, env, { create: false })
  const files: BackupManifest['files'] = []
  const objects = { count: 0, sizeBytes: 0 }
  let databases: BackupManifest['databases'] = []
  try {
    await dumpDatabase({
      url: database.url,
      schemas: Object.keys(MIGRATIONS),
      async onTable({ schema, table, rows }) {
        signal?.throwIfAborted()
        onProgress(`database: ${schema}.${table}`)
        files.push(await writeLines(dir, tablePath(schema, table), rows))
      },
      async whileHeld(dumps) {
        if (dumps.length === 0)
          throw new ConfigError('The database has no tables of Trainyard; check DATABASE_URL and --data')
        databases = dumps
        const lines = async function* () {
          const copied = copyAll({
            from: store,
            to: backupStore(join(dir, OBJECTS_DIR)),
            onProgress: (count, sizeBytes) => {
              Object.assign(objects, { count, sizeBytes })
              onProgress(`objects: ${count} copied, ${sizeBytes} bytes`)
            },
          })
          for await (const entries of copied) {
            signal?.throwIfAborted()
            yield entries.map((entry) => JSON.stringify(entry))
          }
        }
        files.push(await writeLines(dir, OBJECTS_LIST, lines()))
      },
    })
  } finally {
    await database.close()
  }
  for (const name of KEPT_FILES) {
    const contents = await readFile(join(dataDir, name), 'utf8').catch(unlessAbsent)
    if (contents !== undefined) files.push(await writeFileOf(dir, join('files', name), contents))
  }
  return { format: 1, createdAt, databases, objects, files }
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(unlessAbsent)) !== undefined
