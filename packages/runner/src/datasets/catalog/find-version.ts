import { notFound } from '@trainyard/platform'
import type { Kysely } from 'kysely'
import type { DatasetRow } from '../../db/schema/datasets.ts'
import type { DatasetTables } from '../../db/schema/index.ts'

/** What names a version of a dataset: `ds_1@3`, or `ds_1` and `ds_1@latest` for the latest one. */
export interface VersionName {
  id: string
  /** Undefined for the latest one. */
  version: number | undefined
}

/** Undefined for a text that names no version, such as `ds_1@first`. */
export function parseVersionName(name: string): VersionName | undefined {
  const parts = /^([^@]+)(?:@(?:(\d{1,9})|latest))?$/.exec(name)
  const [, id, version] = parts ?? []
  return id === undefined ? undefined : { id, version: version === undefined ? undefined : Number(version) }
}

/** The row of a version by its name. Throws `not_found`. */
export async function findVersion(db: Kysely<DatasetTables>, name: string): Promise<DatasetRow> {
  const parsed = parseVersionName(name)
  if (parsed === undefined) throw notFound('dataset', name)
  let query = db.selectFrom('datasets').selectAll().where('series_id', '=', parsed.id)
  if (parsed.version !== undefined) query = query.where('version', '=', parsed.version)
  const row = await query.orderBy('version', 'desc').limit(1).executeTakeFirst()
  if (row === undefined) throw notFound('dataset', name)
  return row
}
