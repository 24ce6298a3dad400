import type { ExportFormat, TaskType } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'

/** Options of {@link createExportMetadata}. Values that are not set are omitted. */
export interface ExportMetadataOptions {
  framework: string
  modelName: string
  exportFormat: ExportFormat
  taskType: TaskType
  classNames: readonly string[]
  /** For example `[1, 3, 640, 640]`; -1 means any size. */
  inputShape: readonly number[]
  outputShape?: readonly number[] | undefined
  /** Default "float32". */
  inputDtype?: string | undefined
  preprocessing?:
    | {
        mean?: readonly number[] | undefined
        std?: readonly number[] | undefined
        colorSpace?: 'RGB' | 'BGR' | 'GRAY' | undefined
        resizeMode?: string | undefined
        normalize?: boolean | undefined
      }
    | undefined
  postprocessing?:
    | {
        applyNms?: boolean | undefined
        nmsMethod?: string | undefined
        coordinateFormat?: string | undefined
        confidenceThreshold?: number | undefined
        iouThreshold?: number | undefined
      }
    | undefined
  /** Settings of the export. */
  exportConfig?: Readonly<Record<string, unknown>> | undefined
  /** Classification. */
  topK?: number | undefined
  /** Segmentation: `[height, width]`. */
  maskResolution?: readonly [number, number] | undefined
  /** Pose. */
  keypointNames?: readonly string[] | undefined
  /** Pose: pairs of 0-based keypoints. */
  skeleton?: readonly (readonly [number, number])[] | undefined
  /** Default: now. */
  createdAt?: Date | undefined
}

/**
 * The content of the `metadata.json` beside an exported model. It describes how to prepare an image and how to read the
 * output. Throws `ConfigError` when there are no classes or the input shape is invalid.
 *
 * ```ts
 * const metadata = createExportMetadata({ framework, modelName, exportFormat, taskType, classNames, inputShape: [1, 784] })
 * await writeFile(join(dir, 'metadata.json'), JSON.stringify(metadata))
 * ```
 */
export function createExportMetadata(options: ExportMetadataOptions): Record<string, unknown> {
  const { classNames, inputShape, inputDtype = 'float32', createdAt = new Date(), exportConfig = {} } = options
  if (classNames.length === 0)
    throw new ConfigError('classNames is empty; expected the name of every class, ordered by id')
  if (inputShape.length === 0 || inputShape.some((size) => !Number.isInteger(size) || size === 0 || size < -1)) {
    throw new ConfigError(`inputShape is ${JSON.stringify(inputShape)}; expected positive integers, or -1 for any size`)
  }
  const { keypointNames, skeleton } = options
  return withoutUndefined({
    framework: options.framework,
    model_name: options.modelName,
    export_format: options.exportFormat,
    task_type: options.taskType,
    input_shape: inputShape,
    input_dtype: inputDtype,
    output_shape: options.outputShape,
    class_names: classNames,
    num_classes: classNames.length,
    created_at: createdAt.toISOString(),
    export_config: exportConfig,
    preprocessing: toSnakeCase(options.preprocessing),
    postprocessing: toSnakeCase(options.postprocessing),
    top_k: options.topK,
    mask_resolution: options.maskResolution,
    num_keypoints: keypointNames?.length,
    keypoint_names: keypointNames,
    skeleton,
  })
}

function toSnakeCase(value: object | undefined): Record<string, unknown> | undefined {
  if (value === undefined) return undefined
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [snake(name), each]))
}

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))
}
