import { z } from 'zod'

/** The version of the contract that this package implements: the field `contract` of a manifest. */
export const CONTRACT_VERSION = '1'

/** An integer below 2^53, which every language can represent. */
export const JobId = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)
export type JobId = z.infer<typeof JobId>

/** The number of the attempt, from 1. A restart or a retry is a new attempt. */
export const Attempt = z.number().int().positive().max(1_000_000)
export type Attempt = z.infer<typeof Attempt>

/** An instant as RFC 3339 text with a zone, for example `2026-11-20T09:30:00.123Z`; in UTC in the years 1 to 9999. */
export const Timestamp = z.iso
  .datetime({ offset: true, abort: true })
  .refine(isStorableTime, 'must be in the years 1 to 9999, in UTC')
export type Timestamp = z.infer<typeof Timestamp>

const FIRST_INSTANT_MS = Date.parse('0001-01-01T00:00:00Z')
const LAST_INSTANT_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** Whether text is an instant that PostgreSQL and every language can hold: JavaScript also parses years such as 0 and +99999. */
export function isStorableTime(text: string): boolean {
  const ms = Date.parse(text)
  return ms >= FIRST_INSTANT_MS && ms <= LAST_INSTANT_MS
}

/** SHA-256 of some bytes: `sha256:` and 64 lower-case hex digits. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be "sha256:" and 64 lower-case hex digits')
export type Digest = z.infer<typeof Digest>

/** SHA-256 of some bytes as 64 lower-case hex digits, without a prefix. */
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')
export type Sha256Hex = z.infer<typeof Sha256Hex>

/** A number of bytes. */
export const SizeBytes = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)

/** The operation of a job. */
export const Operation = z.enum(['train', 'predict', 'export'])
export type Operation = z.infer<typeof Operation>

/** The vision tasks. */
export const TaskType = z.enum(['detection', 'segmentation', 'pose', 'obb', 'classification'])
export type TaskType = z.infer<typeof TaskType>

/** Other names of the tasks, which DICE and older systems use. Accepted as input. */
export const TASK_TYPE_ALIASES: Readonly<Record<string, TaskType>> = {
  object_detection: 'detection',
  instance_segmentation: 'segmentation',
  pose_estimation: 'pose',
  keypoint_detection: 'pose',
  image_classification: 'classification',
}

/** Formats in which a dataset can be stored or fetched. */
export const DatasetFormat = z.enum([
  'dice',
  'coco',
  'yolo',
  'voc',
  'labelme',
  'imagefolder',
  'masks',
  'huggingface',
  'dota',
  'webdataset',
  'cvat',
  'label-studio',
  'open-images',
  'kitti',
  'via',
  'coco-panoptic',
  'supervisely',
  'createml',
  'tensorflow-csv',
])
export type DatasetFormat = z.infer<typeof DatasetFormat>

/** Formats that are written, so that a dataset can be fetched in them. All but `webdataset` are read too. */
export const TargetFormat = DatasetFormat.extract([
  'dice',
  'coco',
  'yolo',
  'voc',
  'labelme',
  'imagefolder',
  'masks',
  'huggingface',
  'dota',
  'webdataset',
])
export type TargetFormat = z.infer<typeof TargetFormat>

/** Formats whose files the validator knows. */
export const KNOWN_EXPORT_FORMATS = [
  'onnx',
  'tensorrt',
  'coreml',
  'tflite',
  'torchscript',
  'openvino',
  'safetensors',
  'tfjs',
] as const
/** A format to which a trained model can be exported: a known one, or any other, such as "ncnn". */
export type ExportFormat = (typeof KNOWN_EXPORT_FORMATS)[number] | (string & {})
/** A format to which a trained model can be exported: a known one, or any other, such as "ncnn". */
export const ExportFormat: z.ZodType<ExportFormat, ExportFormat> = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,49}$/, 'must be lower-case letters, digits, ".", "_" and "-", such as "onnx"')
  .describe(`One of ${KNOWN_EXPORT_FORMATS.join(', ')}, or the name of another format`)

/** The split of an image. */
export const SplitName = z.enum(['train', 'val', 'test'])
export type SplitName = z.infer<typeof SplitName>

/** A number on the wire: JSON has no NaN and no infinities, so they are sent as these strings. */
export type MetricValue = number | 'NaN' | 'Infinity' | '-Infinity'
/** A number on the wire: JSON has no NaN and no infinities, so they are sent as these strings. */
// With an explicit type: TypeScript would declare the key "-Infinity" of the inferred one as `[-Infinity]`, which is not valid.
export const MetricValue: z.ZodType<MetricValue, MetricValue> = z.union(
  [z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])],
  { error: 'must be a number, or one of the strings "NaN", "Infinity", "-Infinity"' },
)

/** Metrics by name. A name has 1 to 250 characters and is stored unchanged. */
export const Metrics = z.record(z.string().min(1).max(250), MetricValue)
export type Metrics = z.infer<typeof Metrics>

/** Encodes a number for the wire. */
export function encodeMetric(value: number): MetricValue {
  return Number.isFinite(value) ? value : (String(value) as 'NaN' | 'Infinity' | '-Infinity')
}

/** Decodes a number from the wire. */
export function decodeMetric(value: MetricValue): number {
  return Number(value)
}

/** Whether higher or lower is better. */
export const MetricGoal = z.enum(['maximize', 'minimize'])
export type MetricGoal = z.infer<typeof MetricGoal>

/** The primary metric of each task, if the manifest does not set one. It determines the best checkpoint. */
export const DEFAULT_PRIMARY_METRIC: Readonly<Record<TaskType, { name: string; goal: MetricGoal }>> = {
  detection: { name: 'mAP50-95', goal: 'maximize' },
  obb: { name: 'mAP50-95', goal: 'maximize' },
  segmentation: { name: 'mask_mAP50-95', goal: 'maximize' },
  pose: { name: 'pose_mAP50-95', goal: 'maximize' },
  classification: { name: 'top1_accuracy', goal: 'maximize' },
}

/**
 * A relative, normalised path with `/` between its parts: no empty part, no `.` or `..`, no backslash, no control
 * character, no leading slash; at most 1,024 bytes.
 */
export const RelativePath = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    isSafeRelativePath,
    'must be a relative path without empty, "." or ".." parts, backslashes or control characters',
  )
export type RelativePath = z.infer<typeof RelativePath>

/** Whether a path can be joined to a folder without leaving it. See {@link RelativePath}. */
export function isSafeRelativePath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (path === '' || /[\\\u0000-\u001f\u007f]/.test(path) || /^[A-Za-z]:/.test(path)) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/** `namespace/name`: each of lower-case letters, digits and single `-`, `_`, `.` between them; at most 64 characters in each part. */
export const TrainerName = z
  .string()
  .max(129)
  .regex(
    /^[a-z0-9]+(?:[._-][a-z0-9]+)*\/[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
    'must be "namespace/name" in lower-case letters, digits and single "-", "_" or "."',
  )
export type TrainerName = z.infer<typeof TrainerName>

/** A SemVer 2.0.0 version without a leading `v` and without build metadata (tags cannot hold `+`). */
export const SemVer = z
  .string()
  .max(128)
  .regex(
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?$/,
    'must be a semantic version such as "1.2.3" or "2.0.0-rc.1"',
  )
export type SemVer = z.infer<typeof SemVer>
