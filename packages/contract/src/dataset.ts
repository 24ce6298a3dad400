import { z } from 'zod'
import { SignedRequest } from './artifacts.ts'
import { ErrorType } from './job-states.ts'
import { DatasetFormat, Sha256Hex, SizeBytes, SplitName, TaskType, Timestamp } from './primitives.ts'

/** A class of a dataset; `id` is 0-based in display order. */
export const DatasetClass = z.object({
  id: z.number().int().nonnegative(),
  name: z.string(),
  color: z.string().optional(),
})
export type DatasetClass = z.infer<typeof DatasetClass>

/** Images of each split. */
export const SplitCounts = z.object({
  train: z.number().int().nonnegative(),
  val: z.number().int().nonnegative(),
  test: z.number().int().nonnegative(),
})
export type SplitCounts = z.infer<typeof SplitCounts>

/** How much a dataset holds; `labelled` counts images with at least one annotation. */
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
          .describe('"job": asked for with the job; "hash": by the path of each image'),
        id: z.string().optional().describe('With "job"'),
      })
      .optional()
      .describe('Where the splits come from; which image is in which stands in the pages of its files'),
    annotationFiles: z.array(
      z.object({ path: z.string(), sizeBytes: SizeBytes, sha256: Sha256Hex, request: SignedRequest }),
    ),
  })
  .meta({ id: 'DatasetManifest' })
export type DatasetManifest = z.infer<typeof DatasetManifest>

/** `GET {CALLBACK_URL}/dataset/files?cursor=&limit=&all=`: one page. An expired URL is renewed by asking for its page again. */
export const DatasetFilesPage = z
  .object({
    files: z.array(
      z.object({
        path: z.string().describe('Relative to the dataset’s root'),
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
 * `POST {CALLBACK_URL}/dataset/cache`: the job's dataset is to be in the cache that the platform fills
 * (`DATASET_CACHE_FILLED_BY=platform`). Asked again until it is.
 */
export const CacheDatasetRequest = z
  .strictObject({
    as: DatasetFormat.optional().describe('Converted, for the job’s task. Absent: as it came'),
    all: z.boolean().optional().describe('Also images without a label. Default: false'),
  })
  .meta({ id: 'CacheDatasetRequest' })
export type CacheDatasetRequest = z.infer<typeof CacheDatasetRequest>

/** How far it is: asked again while it is `filling`. */
export const CachedDatasetState = z
  .discriminatedUnion('state', [
    z.object({
      state: z.literal('filling'),
      files: z.number().int().nonnegative().describe('How many images are there'),
      totalFiles: z.number().int().nonnegative(),
    }),
    z.object({
      state: z.literal('ready'),
      folder: z
        .string()
        .regex(/^[0-9a-f]{64}\/files$/, 'must be a key of the cache and "/files"')
        .describe('Below DATASET_CACHE_DIR; it stays until the attempt is over'),
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
