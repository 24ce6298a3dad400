import type { Dataset } from '@trainyard/contract'
import type { DatasetContext } from '../context.ts'
import { toDataset } from './dataset-view.ts'
import { findVersion } from './find-version.ts'

/** A version by its name. Throws `not_found` when there is none. */
export async function getDataset(context: DatasetContext, id: string): Promise<Dataset> {
  return toDataset(await findVersion(context.database.db, id))
}
