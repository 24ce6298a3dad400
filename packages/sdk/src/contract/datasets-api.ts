import { z } from 'zod'
import { DatasetClass, DatasetCounts } from './dataset.ts'
import { DatasetFormat, TaskType, Timestamp } from './primitives.ts'

/** A dataset as it is registered. */
export const Dataset = z
  .object({
    id: z.string(),
    name: z.string(),
    format: DatasetFormat,
    taskType: TaskType,
    classes: z.array(DatasetClass),
    counts: DatasetCounts,
    sizeBytes: z.number().int(),
    versionHash: z.string(),
    createdAt: Timestamp,
  })
  .meta({ id: 'Dataset' })
export type Dataset = z.infer<typeof Dataset>

/** `POST /v1/datasets?name=`, the body being a tar or tar.gz of the dataset's folder, answers with the dataset. */
export const DatasetList = z
  .object({ datasets: z.array(Dataset), nextCursor: z.string().optional() })
  .meta({ id: 'DatasetList' })
export type DatasetList = z.infer<typeof DatasetList>
