import type { ExportFormat, TaskType } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'

/** What {@link createExportMetadata} writes; what is not given is left out. */
export interface ExportMetadataOptions {
  framework: string
  modelName: string
  exportFormat: ExportFormat
  taskType: TaskType
  classNames: readonly string[]
  /** For example `[1, 3, 640, 640]`; -1 stands for any size. */
  inputShape: readonly number[]
  outputShape?: readonly number[]
  /** Default "float32". */
  inputDtype?: string
  preprocessing?: {
    mean?: readonly number[]
    std?: readonly number[]
    colorSpace?: 'RGB' | 'BGR' | 'GRAY'
    resizeMode?: string
    normalize?: boolean
  }
  postprocessing?: {
    applyNms?: boolean
    nmsMethod?: string
    coordinateFormat?: string
    confidenceThreshold?: number
    iouThreshold?: number
  }
  /** Settings with which it was exported. */
  exportConfig?: Readonly<Record<string, unknown>>
  /** Classification. */
  topK?: number
  /** Segmentation: `[height, width]`. */
  maskResolution?: readonly [number, number]
  /** Pose. */
  keypointNames?: readonly string[]
  /** Pose: pairs of 0-based keypoints. */
  skeleton?: readonly (readonly [number, number])[]
  /** Default: now. */
  createdAt?: Date
}

/**
 * What `metadata.json` beside an exported model holds, under the names of the field: whoever loads the model learns from it
 * how to prepare an image and how to read the output. Throws `ConfigError` for classes or a shape that cannot be.
 *
 * ```ts
 * const metadata = createExportMetadata({ framework, modelName, exportFormat, taskType, classNames, inputShape: [1, 784] })
 * await writeFile(join(dir, 'metadata.json'), JSON.stringify(metadata))
 * ```
 */
export function createExportMetadata(options: ExportMetadataOptions): Record<string, unknown> {
  const { classNames, inputShape, inputDtype = 'float32', createdAt = new Date(), exportConfig = {} } = options
  if (classNames.length === 0) throw new ConfigError('classNames is empty; wanted: the name of every class, by its id')
  if (inputShape.length === 0 || inputShape.some((size) => !Number.isInteger(size) || size === 0 || size < -1)) {
    throw new ConfigError(`inputShape is ${JSON.stringify(inputShape)}; wanted: whole numbers, -1 for any size`)
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
