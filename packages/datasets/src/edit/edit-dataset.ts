import type { DatasetReader } from '../record/record.ts'
import type { DatasetEdit } from './dataset-edit.ts'
import { filterDataset } from './filter-dataset.ts'
import { remapClasses } from './remap-classes.ts'
import { sampleDataset } from './sample-dataset.ts'

/**
 * The dataset with only the wanted images and objects, under the wanted class names. Images keep their splits. Throws
 * `DatasetError` for a class that the dataset does not have.
 *
 * ```ts
 * const reader = await editDataset(await openDataset('coco'), { rename: { car: 'vehicle', bus: 'vehicle' } })
 * ```
 */
export async function editDataset(
  reader: DatasetReader,
  { rename, filter, sample }: DatasetEdit,
  signal?: AbortSignal,
): Promise<DatasetReader> {
  const renamed = rename === undefined ? reader : remapClasses(reader, rename)
  const filtered = filter === undefined ? renamed : filterDataset(renamed, filter)
  return sample === undefined ? filtered : sampleDataset(filtered, sample, signal)
}
