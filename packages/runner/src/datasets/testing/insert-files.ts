import type { Database } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerDatabase } from '../../db/schema/index.ts'

/** Adds rows of images to a dataset, for tests and benches that put the files into the store themselves. */
export async function insertFiles(
  { db, schema }: Pick<Database<RunnerDatabase>, 'db' | 'schema'>,
  datasetId: string,
  { paths, sizeBytes }: { paths: readonly string[]; sizeBytes: number },
): Promise<void> {
  await sql`
    insert into ${sql.id(schema, 'dataset_files')} (dataset_id, path, role, size_bytes, labelled)
    select ${datasetId}, path, 'image', ${sizeBytes}::bigint, true from unnest(${[...paths]}::text[]) as path
  `.execute(db)
}
