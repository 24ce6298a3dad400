import { z } from 'zod'
import { DatasetClass, DatasetCounts, DatasetLoss, SplitCounts } from './dataset.ts'
import { ProjectName } from './identity-api.ts'
import { DatasetFormat, RelativePath, SplitName, TaskType, Timestamp } from './primitives.ts'
import { readableLine } from './readable-text.ts'

/** A prefix of a bucket, or of the platform's own store without `bucket`. Images below it are referenced, not copied. */
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
    name: readableLine(200),
    project: ProjectName.optional().describe('Default: the first project of the caller'),
    source: DatasetSource,
    format: DatasetFormat.optional().describe('Default: detected from the files'),
    taskType: TaskType.optional().describe('The task, for formats whose files do not state it'),
    strict: z
      .boolean()
      .optional()
      .describe('Refuse the dataset when anything would be left out or changed. Default: false'),
  })
  .meta({ id: 'RegisterDatasetRequest' })
export type RegisterDatasetRequest = z.infer<typeof RegisterDatasetRequest>

/** How many images a job can assign to splits by name. */
const MAX_LISTED_IMAGES = 20_000

/** A job's own split, by ratios or by lists of images. Images that are not listed keep the split of the dataset. */
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
      seed: z.string().max(100).optional().describe('Each seed gives another split'),
      stratify: z.boolean().optional().describe('Apply the ratios to every class'),
      keep: z.boolean().optional().describe('Keep the splits that the dataset assigns'),
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

/** `POST /v1/datasets/{id}/versions` with JSON: other files of a dataset whose images stay where they are. */
export const RegisterVersionRequest = RegisterDatasetRequest.omit({ name: true, project: true })
  .extend({ message: readableLine(500).optional().describe('What changed') })
  .meta({ id: 'RegisterVersionRequest' })
export type RegisterVersionRequest = z.infer<typeof RegisterVersionRequest>

/** A version of a registered dataset. Requests name it `ds_…@3`; `ds_…` is the latest one. */
export const Dataset = z
  .object({
    id: z.string(),
    version: z.number().int().positive().default(1).describe('Counts from 1'),
    message: z.string().optional().describe('What changed with this version'),
    name: z.string(),
    format: DatasetFormat,
    taskType: TaskType,
    classes: z.array(DatasetClass),
    counts: DatasetCounts,
    losses: z
      .array(DatasetLoss)
      .default([])
      .describe('What was left out or changed when the files were read. Empty for a dataset of an older release'),
    sizeBytes: z.number().int(),
    versionHash: z.string(),
    source: DatasetSource.optional().describe('Where the images are, if they were not uploaded'),
    createdAt: Timestamp,
  })
  .meta({ id: 'Dataset' })
export type Dataset = z.infer<typeof Dataset>

/** `GET /v1/datasets?cursor=&limit=`: one page, newest first. */
export const DatasetList = z
  .object({ datasets: z.array(Dataset), nextCursor: z.string().optional() })
  .meta({ id: 'DatasetList' })
export type DatasetList = z.infer<typeof DatasetList>

/** `GET /v1/datasets/{id}/versions?cursor=&limit=`: one page, newest first. */
export const DatasetVersionList = z
  .object({ versions: z.array(Dataset), nextCursor: z.string().optional() })
  .meta({ id: 'DatasetVersionList' })
export type DatasetVersionList = z.infer<typeof DatasetVersionList>

/** An object on an image, in pixels from the top-left corner, as the pages draw it: long outlines have fewer points. */
export const ImageObject = z.object({
  classId: z.number().int().nonnegative(),
  bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional().describe('x, y, width, height'),
  polygons: z.array(z.array(z.number())).optional().describe('Rings x, y, x, y, …'),
  keypoints: z.array(z.number()).optional().describe('x, y, v: 0 not labelled, 1 occluded, 2 visible'),
})
export type ImageObject = z.infer<typeof ImageObject>

/** An image of a dataset. */
export const DatasetImage = z
  .object({
    path: z.string().describe('Relative to the root of the dataset'),
    sizeBytes: z.number().int(),
    width: z.number().int().optional().describe('In pixels. Absent where it is not known'),
    height: z.number().int().optional(),
    split: SplitName.optional(),
    labelled: z.boolean(),
    classIds: z.array(z.number().int()).describe('The classes that occur in the image'),
    objects: z.array(ImageObject).optional().describe('The first 200. Absent for a dataset of an older release'),
  })
  .meta({ id: 'DatasetImage' })
export type DatasetImage = z.infer<typeof DatasetImage>

/** Larger pictures make a page slow: it offers them for download instead. */
export const MAX_PICTURE_BYTES = 20 * 1024 ** 2
/** A browser needs four bytes of memory for each pixel. */
export const MAX_PICTURE_PIXELS = 50_000_000

/** `GET /v1/datasets/{id}/images?class=&split=&cursor=&limit=`: by path. */
export const DatasetImageList = z
  .object({ images: z.array(DatasetImage), nextCursor: z.string().optional() })
  .meta({ id: 'DatasetImageList' })
export type DatasetImageList = z.infer<typeof DatasetImageList>

/** `GET /v1/datasets/{id}/classes?limit=`: how many images each class is on, the most frequent classes first. */
export const DatasetClassCounts = z
  .object({
    classes: z.array(DatasetClass.extend({ images: z.number().int(), splits: SplitCounts })),
    total: z.number().int().describe('The number of classes'),
    unused: z.number().int().describe('Classes that are on no image'),
  })
  .meta({ id: 'DatasetClassCounts' })
export type DatasetClassCounts = z.infer<typeof DatasetClassCounts>

/** Most entries of each list of a difference. `counts` has the numbers of all. */
export const MAX_DIFF_ENTRIES = 1000

/** `GET /v1/datasets/{id}/diff?from=`: what changed between two versions of a dataset. */
export const DatasetVersionDiff = z
  .object({
    from: z.number().int().describe('The version before'),
    to: z.number().int().describe('The version after'),
    classes: z.object({
      added: z.array(z.string()),
      removed: z.array(z.string()),
      renamed: z.array(z.object({ from: z.string(), to: z.string(), objects: z.number().int() })),
    }),
    images: z.object({
      common: z.number().int().describe('The number of images in both'),
      added: z.array(z.string()),
      removed: z.array(z.string()),
      renamed: z.array(z.object({ from: z.string(), to: z.string() })).describe('The same bytes under another path'),
      moved: z
        .array(z.object({ path: z.string(), from: SplitName.optional(), to: SplitName.optional() }))
        .describe('Images whose split changed'),
      repainted: z.array(z.string()).describe('Other bytes under the same path'),
    }),
    objects: z.object({
      unchanged: z.number().int(),
      added: z.number().int(),
      removed: z.number().int(),
      moved: z.number().int(),
      reclassified: z.number().int(),
    }),
    changes: z
      .array(
        z.object({
          path: z.string(),
          added: z.array(z.object({ className: z.string() })),
          removed: z.array(z.object({ className: z.string() })),
          moved: z.array(z.object({ className: z.string(), iou: z.number() })),
          reclassified: z.array(z.object({ from: z.string(), to: z.string(), iou: z.number() })),
        }),
      )
      .describe('Images on which objects changed. `iou` is the intersection over union of the boxes'),
    counts: z
      .object({
        added: z.number().int(),
        removed: z.number().int(),
        renamed: z.number().int(),
        moved: z.number().int(),
        repainted: z.number().int(),
        changed: z.number().int().describe('Images on which objects changed'),
      })
      .describe(`The numbers of images; each list has the first ${MAX_DIFF_ENTRIES}`),
  })
  .meta({ id: 'DatasetVersionDiff' })
export type DatasetVersionDiff = z.infer<typeof DatasetVersionDiff>

/** `GET /v1/datasets/{id}/report`: how the images and objects of a version are distributed, and what is wrong with it. */
/** The content security policy of a report as a page: it has styles and pictures of its own, and runs nothing. */
export const REPORT_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
export const DatasetVersionReport = z
  .looseObject({
    images: z.number().int(),
    labelled: z.number().int(),
    annotations: z.number().int(),
    findings: z.array(
      z.looseObject({ severity: z.string(), code: z.string(), text: z.string(), count: z.number().int() }),
    ),
    statistics: z.looseObject({}).describe('Distributions of sizes, shapes and places'),
  })
  .meta({ id: 'DatasetVersionReport' })
export type DatasetVersionReport = z.infer<typeof DatasetVersionReport>

/** A result that is being prepared (status 202): ask again after the seconds of `Retry-After`. */
export const DatasetResultPending = z.object({ state: z.literal('preparing') }).meta({ id: 'DatasetResultPending' })

/** An immutable copy of a dataset for jobs: its annotation files are copied, its images are referenced. */
export const Snapshot = Dataset.extend({
  datasetId: z.string(),
  jobs: z.number().int().nonnegative().describe('The number of jobs that were created with it'),
}).meta({ id: 'Snapshot' })
export type Snapshot = z.infer<typeof Snapshot>

/** `GET /v1/snapshots?dataset=&cursor=&limit=`: newest first. */
export const SnapshotList = z
  .object({ snapshots: z.array(Snapshot), nextCursor: z.string().optional() })
  .meta({ id: 'SnapshotList' })
export type SnapshotList = z.infer<typeof SnapshotList>
