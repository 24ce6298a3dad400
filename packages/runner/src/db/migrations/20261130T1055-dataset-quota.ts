import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What datasets, their snapshots and unfinished uploads count in the quota of their project. */
export const datasetQuota: Migration = {
  async up(db) {
    for (const table of ['datasets', 'dataset_snapshots'])
      await sql`
        alter table ${sql.table(table)}
          add column stored_bytes bigint not null default 0,
          add column stored_files integer not null default 0`.execute(db)
    await sql`
      update datasets set stored_bytes = stored.bytes, stored_files = stored.files
      from (
        select file.dataset_id, sum(file.size_bytes) as bytes, count(*) as files from dataset_files file
        join datasets d on d.id = file.dataset_id
        where d.source is null or file.role = 'annotation' group by file.dataset_id
      ) as stored where stored.dataset_id = datasets.id`.execute(db)
    await sql`
      update dataset_snapshots set stored_bytes = stored.bytes, stored_files = stored.files
      from (
        select file.dataset_id, sum(file.size_bytes) as bytes, count(*) as files from dataset_files file
        where file.role = 'annotation' group by file.dataset_id
      ) as stored where stored.dataset_id = dataset_snapshots.dataset_id`.execute(db)
    await sql`
      alter table dataset_uploads
        add column project_id text,
        add column reserved_bytes bigint not null default 0,
        add column reserved_files integer not null default 0`.execute(db)
  },
}
