import { copyFile, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError, loadDatabase, type ObjectStore } from '@trainyard/platform'
import { MIGRATIONS } from './areas.ts'
import {
  type BackupManifest,
  OBJECTS_DIR,
  OBJECTS_LIST,
  ObjectEntry,
  openBackup,
  readLines,
  tablePath,
  unlessAbsent,
} from './backup-files.ts'
import { backupStore, grouped, restoreOne, settled } from './copy-objects.ts'
import { type Environment, openDatabasePart, openStorePart } from './open-parts.ts'

export interface RestoreOptions {
  from: string
  /** The new data folder: it must be empty, or not exist. */
  dataDir: string
  env: Environment
  onProgress(text: string): void
}

/**
 * Restores a backup into an empty data folder, and, where they are configured, an empty database and bucket. The backup is
 * checked before anything is written, and the folder gets its name when it is complete.
 */
export async function restoreBackup({ from, dataDir, env, onProgress }: RestoreOptions): Promise<BackupManifest> {
  const backupDir = resolve(from)
  const target = resolve(dataDir)
  onProgress('checking the backup')
  const manifest = await openBackup(backupDir)
  await requireEmptyFolder(target)
  const draft = `${target}.restoring`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true, mode: 0o700 })
  try {
    for (const { path } of manifest.files)
      if (path.startsWith('files')) await copyFile(join(backupDir, path), join(draft, basename(path)))
    await fill({ backupDir, draft, manifest, env, onProgress })
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  await rmdir(target).catch(() => {})
  await rename(draft, target).catch((error: unknown) => {
    throw new Error(
      `Everything is restored, but the folder could not get its name: rename ${draft} to ${target} (${error})`,
    )
  })
  return manifest
}

/** The key of an object that a store has while a restore fills it. */
const UNFINISHED = 'restore-unfinished'

interface FillOptions extends Pick<RestoreOptions, 'env' | 'onProgress'> {
  backupDir: string
  draft: string
  manifest: BackupManifest
}

async function fill({ backupDir, draft, manifest, env, onProgress }: FillOptions): Promise<void> {
  const store = openStorePart(draft, env)
  // What a restore that was killed has left.
  if ((await store.find(UNFINISHED)) !== undefined) await store.deletePrefix('')
  for await (const { key } of store.list(''))
    throw new ConfigError(`The object store is not empty: it has "${key}"; restore into an empty bucket or folder`)
  try {
    await store.put(UNFINISHED, Buffer.from('A restore has not finished. Run it again.\n'))
    await fillStoreAndDatabase(store, { backupDir, draft, manifest, env, onProgress })
  } catch (error) {
    await store.deletePrefix('').catch((cause: unknown) => {
      throw new Error(
        `The restore failed (${String(error)}), and the objects that it had stored could not be removed (${String(cause)}). ` +
          'Restore again: that removes them first',
        { cause: error },
      )
    })
    throw error
  }
}

async function fillStoreAndDatabase(
  store: ObjectStore,
  { backupDir, draft, manifest, env, onProgress }: FillOptions,
): Promise<void> {
  const database = await openDatabasePart(draft, env, { create: true })
  try {
    // Objects first: a row never names an object that is missing.
    let count = 0
    const copies = backupStore(join(backupDir, OBJECTS_DIR))
    for await (const lines of grouped(readLines(backupDir, OBJECTS_LIST))) {
      await settled(lines.map((line) => restoreOne(ObjectEntry.parse(JSON.parse(line)), copies, store)))
      count += lines.length
      onProgress(`objects: ${count} of ${manifest.objects.count}`)
    }
    if (count !== manifest.objects.count)
      throw new Error(`The backup lists ${count} objects; ${manifest.objects.count} were written`)
    await loadDatabase({
      url: database.url,
      dumps: manifest.databases,
      migrations: MIGRATIONS,
      readRows: (schema, table) => readLines(backupDir, tablePath(schema, table)),
      // Before the database is complete: otherwise a failure would remove the objects of a complete one.
      onLoaded: () => store.delete(UNFINISHED),
      onTable: (schema, { name, rows }) => onProgress(`database: ${schema}.${name}, ${rows} rows`),
    })
  } finally {
    await database.close()
  }
}

async function requireEmptyFolder(dir: string): Promise<void> {
  const names = (await readdir(dir).catch(unlessAbsent)) ?? []
  if (names.length > 0)
    throw new ConfigError(
      `${dir} is not empty: it has "${names[0]}". Restore into a folder that is empty or does not exist (in ${dirname(dir)}, for example)`,
    )
}
