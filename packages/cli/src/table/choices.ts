/**
 * Words of the contract that options accept. Written out, because the contract's schemas take longer to load than the
 * whole command line. A test compares them with the contract.
 */
import type {
  ArtifactKind,
  DatasetFormat,
  JobState,
  LogLevel,
  Operation,
  RescannedCheck,
  SplitName,
  TargetFormat,
  TaskType,
  WebhookTopic,
} from '@trainyard/contract'

export const DATASET_FORMATS = [
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
] as const satisfies readonly DatasetFormat[]

/** Formats that are written. */
export const TARGET_FORMATS = [
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
] as const satisfies readonly TargetFormat[]

/** Formats that are read. */
export const SOURCE_FORMATS = DATASET_FORMATS.filter((format) => format !== 'webdataset')

export const TASK_TYPES = [
  'detection',
  'segmentation',
  'pose',
  'obb',
  'classification',
] as const satisfies readonly TaskType[]

export const TASK_ALIASES = {
  object_detection: 'detection',
  instance_segmentation: 'segmentation',
  pose_estimation: 'pose',
  keypoint_detection: 'pose',
  image_classification: 'classification',
} as const satisfies Readonly<Record<string, TaskType>>

export const SPLIT_NAMES = ['train', 'val', 'test'] as const satisfies readonly SplitName[]

export const OPERATIONS = ['train', 'predict', 'export'] as const satisfies readonly Operation[]

/** Those that a trainer can do without. */
export const ADDED_OPERATIONS = ['predict', 'export'] as const satisfies readonly Operation[]

export const JOB_STATES = [
  'pending',
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies readonly JobState[]

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const satisfies readonly LogLevel[]

export const ARTIFACT_KINDS = [
  'checkpoint',
  'export',
  'prediction',
  'plot',
  'log',
  'other',
] as const satisfies readonly ArtifactKind[]

/** What webhooks tell. */
export const WEBHOOK_TOPICS = [
  'version.pushed',
  'version.published',
  'version.rejected',
  'version.finding',
  'version.deprecated',
  'version.yanked',
  'version.restored',
] as const satisfies readonly WebhookTopic[]

/** The checks that run again on published versions. */
export const RESCANNED_CHECKS = ['malware', 'vulnerabilities'] as const satisfies readonly RescannedCheck[]
