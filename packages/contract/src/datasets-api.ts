import { z } from 'zod'
import { DatasetClass, DatasetCounts } from './dataset.ts'
import { ProjectName } from './identity-api.ts'
import { DatasetFormat, NO_CONTROL_CHARACTERS, RelativePath, TaskType, Timestamp } from './primitives.ts'

/** A prefix of a bucket: images below it are referred to, never copied. Without `bucket` it is of the platform's own store. */
export const DatasetSource = z
  .strictObject({
    bucket: z.string().min(1).max(200).optional(),
    prefix: RelativePath.or(z.string().regex(/^[^/].*\/$/)),
  })
  .meta({ id: 'DatasetSource' })
export type DatasetSource = z.infer<typeof DatasetSource>

/** `POST /v1/datasets` with JSON: a dataset whose images stay where they are. */
export const RegisterDatasetRequest = z
  .strictObject({
    name: z.string().min(1).max(200).regex(NO_CONTROL_CHARACTERS, 'must not hold control characters'),
    project: ProjectName.optional().describe('Where it goes; your first one when absent'),
    source: DatasetSource,
    format: DatasetFormat.optional().describe('Where the files do not tell'),
    taskType: TaskType.optional().describe('Where the format cannot tell'),
  })
  .meta({ id: 'RegisterDatasetRequest' })
export type RegisterDatasetRequest = z.infer<typeof RegisterDatasetRequest>

/** How many images a job may put into its splits by name. */
const MAX_LISTED_IMAGES = 20_000

/** A job's own split: by ratios, or by name. Images that are not named keep the split of the dataset. */
export const SplitRequest = z
  .union([
    z.strictObject({
      ratios: z
        .strictObject({
          train: z.number().min(0).max(1),
          val: z.number().min(0).max(1),
          test: z.number().min(0).max(1),
        })
        .refine(({ train, val, test }) => Math.abs(train + val + test - 1) < 1e-6, 'must add up to 1'),
      seed: z.string().max(100).optional().describe('Another seed gives another split'),
      stratify: z.boolean().optional().describe('Every class in the same ratios'),
      keep: z.boolean().optional().describe('Images keep the split that the dataset gives them'),
    }),
    z
      .strictObject({
        train: z.array(RelativePath).optional(),
        val: z.array(RelativePath).optional(),
        test: z.array(RelativePath).optional(),
      })
      .refine(({ train = [], val = [], test = [] }) => {
        const count = train.length + val.length + test.length
        return count > 0 && count <= MAX_LISTED_IMAGES
      }, `must name 1 to ${MAX_LISTED_IMAGES} images in all`),
  ])
  .meta({ id: 'SplitRequest' })
export type SplitRequest = z.infer<typeof SplitRequest>

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
    source: DatasetSource.optional().describe('Where the images are, when they were not uploaded'),
    createdAt: Timestamp,
  })
  .meta({ id: 'Dataset' })
export type Dataset = z.infer<typeof Dataset>

/** `POST /v1/datasets?name=`, the body being a tar or tar.gz of the dataset's folder, answers with the dataset. */
export const DatasetList = z
  .object({ datasets: z.array(Dataset), nextCursor: z.string().optional() })
  .meta({ id: 'DatasetList' })
export type DatasetList = z.infer<typeof DatasetList>

/** A dataset frozen for jobs: its annotation files are copied, its images are referred to. */
export const Snapshot = Dataset.extend({
  datasetId: z.string(),
  jobs: z.number().int().nonnegative().describe('Jobs that were created with it'),
}).meta({ id: 'Snapshot' })
export type Snapshot = z.infer<typeof Snapshot>

/** `GET /v1/snapshots?dataset=&cursor=&limit=`: newest first. */
export const SnapshotList = z
  .object({ snapshots: z.array(Snapshot), nextCursor: z.string().optional() })
  .meta({ id: 'SnapshotList' })
export type SnapshotList = z.infer<typeof SnapshotList>
