import type { CachedDatasetState, DatasetFormat } from '@trainyard/contract'
import { type ColumnType, type Generated, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export type FillError = Omit<Extract<CachedDatasetState, { state: 'failed' }>, 'state'>

/** What a trainer has asked to be in the cache: kept while there is something left of its attempt. */
export interface CacheFillsTable {
  job_id: number
  attempt: number
  /** Empty: as the dataset came. */
  format: DatasetFormat | ''
  /** Also images without a label. */
  whole: boolean
  state: Generated<'wanted' | 'ready' | 'failed'>
  /** Of the cache, once it is ready. */
  key: string | null
  files: Generated<number>
  total_files: Generated<number>
  error: ColumnType<FillError | null, string | null, string | null>
}

export const cacheFillMigrations: Record<string, Migration> = {
  '20261121T1400-cache-fills': {
    async up(db) {
      await sql`
        create table cache_fills (
          job_id bigint not null,
          attempt integer not null,
          format text not null,
          whole boolean not null,
          state text not null default 'wanted' check (state in ('wanted', 'ready', 'failed')),
          key text,
          files integer not null default 0,
          total_files integer not null default 0,
          error jsonb,
          primary key (job_id, attempt, format, whole),
          foreign key (job_id, attempt) references attempts on delete cascade
        )`.execute(db)
    },
  },
}
