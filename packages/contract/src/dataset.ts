import { z } from 'zod'
import { SignedRequest } from './artifacts.ts'
import { ErrorType } from './job-states.ts'
import { DatasetFormat, Sha256Hex, SizeBytes, SplitName, TargetFormat, TaskType, Timestamp } from './primitives.ts'

/** A class of a dataset; `id` is 0-based in display order. */
export const DatasetClass = z.object({
  id: z.number().int().nonnegative(),
  name: z.string(),
  color: z.string().optional(),
})
export type DatasetClass = z.infer<typeof DatasetClass>

/** The number of images in each split. */
export const SplitCounts = z.object({
  train: z.number().int().nonnegative(),
  val: z.number().int().nonnegative(),
  test: z.number().int().nonnegative(),
})
export type SplitCounts = z.infer<typeof SplitCounts>

/** What was left out or changed when the files of a dataset were read, for one reason. */
export const DatasetLoss = z
  .object({
    reason: z.string().describe('Such as `image-unreadable`, `image-truncated` or `annotation-invalid`'),
    count: z.number().int().nonnegative(),
    examples: z.array(z.string()).describe('The first five, each with its image or file'),
  })
  .meta({ id: 'DatasetLoss' })
export type DatasetLoss = z.infer<typeof DatasetLoss>

/** The size of a dataset. `labelled` counts images with at least one annotation. */
export const DatasetCounts = z.object({
  images: z.number().int().nonnegative(),
  labelled: z.number().int().nonnegative(),
  annotations: z.number().int().nonnegative(),
  splits: SplitCounts,
})
export type DatasetCounts = z.infer<typeof DatasetCounts>

/** `GET {CALLBACK_URL}/dataset` */
export const DatasetManifest = z
  .object({
    datasetId: z.string(),
    snapshotId: z.string(),
    versionHash: Sha256Hex,
    name: z.string(),
    format: DatasetFormat,
    taskType: TaskType,
    classes: z.array(DatasetClass),
    counts: DatasetCounts,
    split: z
      .object({
        origin: z
          .enum(['job', 'dataset', 'hash'])
          .describe(
            '"job": requested with the job; "dataset": assigned by the dataset; "hash": by the path of each image',
          ),
        id: z.string().optional().describe('Present with the origin "job"'),
      })
      .optional()
      .describe('Where the splits come from. The pages of files list the split of each image'),
    annotationFiles: z.array(
      z.object({ path: z.string(), sizeBytes: SizeBytes, sha256: Sha256Hex, request: SignedRequest }),
    ),
  })
  .meta({ id: 'DatasetManifest' })
export type DatasetManifest = z.infer<typeof DatasetManifest>

/** `GET {CALLBACK_URL}/dataset/files?cursor=&limit=&all=`: one page. To renew an expired URL, request its page again. */
export const DatasetFilesPage = z
  .object({
    files: z.array(
      z.object({
        path: z.string().describe('Relative to the root of the dataset'),
        sizeBytes: SizeBytes,
        sha256: Sha256Hex.optional(),
        split: SplitName.optional(),
        url: z.url(),
        expiresAt: Timestamp,
      }),
    ),
    nextCursor: z.string().optional().describe('Absent on the last page'),
  })
  .meta({ id: 'DatasetFilesPage' })
export type DatasetFilesPage = z.infer<typeof DatasetFilesPage>

/**
 * `POST {CALLBACK_URL}/dataset/cache`: requests the job's dataset in the cache that the platform fills
 * (`DATASET_CACHE_FILLED_BY=platform`). Repeat the request until the state is no longer `filling`.
 */
export const CacheDatasetRequest = z
  .strictObject({
    as: TargetFormat.optional().describe('Converted for the job’s task. Default: the dataset’s own format'),
    all: z.boolean().optional().describe('Include images without a label. Default: false'),
  })
  .meta({ id: 'CacheDatasetRequest' })
export type CacheDatasetRequest = z.infer<typeof CacheDatasetRequest>

/** The state of a dataset in the cache. */
export const CachedDatasetState = z
  .discriminatedUnion('state', [
    z.object({
      state: z.literal('filling'),
      files: z.number().int().nonnegative().describe('The number of images in the cache so far'),
      totalFiles: z.number().int().nonnegative(),
    }),
    z.object({
      state: z.literal('ready'),
      folder: z
        .string()
        .regex(/^[0-9a-f]{64}\/files$/, 'must be a key of the cache and "/files"')
        .describe('Below DATASET_CACHE_DIR. It is kept until the attempt ends'),
    }),
    z.object({
      state: z.literal('failed'),
      errorType: ErrorType,
      message: z.string(),
      retryable: z.boolean().describe('Whether another attempt may succeed'),
    }),
  ])
  .meta({ id: 'CachedDatasetState' })
export type CachedDatasetState = z.infer<typeof CachedDatasetState>
