import type { DatasetFormat, ExportFormat, TaskType } from '@trainyard/contract'
import { type Kysely, sql } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { type IndexedTrainer, writeEntries } from '../search/index-trainers.ts'

/** One trainer of a made catalogue, as a line of text would describe it. */
export interface MadeTrainer {
  name: string
  displayName: string
  description: string
  pulls: number
  tasks: TaskType[]
  framework: string
  license: string
  keywords: string[]
  exports: ExportFormat[]
  reads: DatasetFormat[]
  version?: string | undefined
}

export type CatalogueDatabase = Kysely<RegistryDatabase>

/** The processes of PostgreSQL that serve this database. */
export async function listConnections(db: CatalogueDatabase): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'
  `.execute(db)
  return rows.map(({ pid }) => pid)
}

/** Puts trainers into the catalogue as their publication would, without pushing and checking them. */
export async function insertTrainers(db: CatalogueDatabase, trainers: readonly MadeTrainer[]): Promise<void> {
  const batch = 2000
  for (let from = 0; from < trainers.length; from += batch) {
    const some = trainers.slice(from, from + batch)
    const publishedAt = (index: number) => new Date(Date.UTC(2026, 0, 1) + (from + index) * 60_000)
    const rows = await db
      .insertInto('repositories')
      .values(
        some.map((trainer, index) => ({
          name: trainer.name,
          namespace: trainer.name.slice(0, trainer.name.indexOf('/')),
          pulls: trainer.pulls,
          latest_version: trainer.version ?? '1.0.0',
          display_name: trainer.displayName,
          description: trainer.description,
          framework: trainer.framework,
          license: trainer.license,
          task_types: trainer.tasks,
          keywords: trainer.keywords,
          published_at: publishedAt(index),
        })),
      )
      .returning(['id', 'name'])
      .execute()
    const ids = new Map(rows.map(({ id, name }) => [name, id]))
    await writeEntries(
      db,
      some.map((trainer, index) => toIndexed(trainer, ids.get(trainer.name) ?? 0, publishedAt(index))),
    )
  }
  // The server does this automatically after some time.
  await sql`vacuum analyze search_entries, search_words`.execute(db)
}

function toIndexed(trainer: MadeTrainer, repositoryId: number, publishedAt: Date): IndexedTrainer {
  const { displayName, description, framework, license, keywords, tasks, exports, reads } = trainer
  return {
    repositoryId,
    name: trainer.name,
    pulls: trainer.pulls,
    publishedAt,
    latestVersion: trainer.version ?? '1.0.0',
    manifest: {
      displayName,
      description,
      framework,
      license,
      keywords,
      taskTypes: tasks,
      exportFormats: exports,
      datasetFormats: reads,
      models: [],
    },
    tier: '',
    isVerified: false,
    rating: undefined,
  }
}
