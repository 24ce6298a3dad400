import type { Dataset } from '@trainyard/contract'
import { notFound } from '@trainyard/platform'
import type { DatasetContext } from '../context.ts'
import { toDataset } from './dataset-view.ts'

/** Throws `not_found` when no dataset has this id. */
export async function getDataset(context: DatasetContext, id: string): Promise<Dataset> {
  const row = await context.database.db.selectFrom('datasets').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw notFound('dataset', id)
  return toDataset(row)
}
