/**
 * Datasets of every format as one neutral record.
 *
 * ```ts
 * import { indexDataset, openDataset, writeImageFolder } from '@trainyard/sdk/dataset'
 *
 * const index = await indexDataset('flowers', await openDataset('flowers'))
 * await writeImageFolder(index, 'flowers-folders')
 * ```
 *
 * @module
 */

export type { SplitRatios } from './assign-splits.ts'
export { type ConvertDatasetOptions, convertDataset, LossError } from './convert-dataset.ts'
export type { DatasetFinding, DatasetFindingCode, FindingSeverity } from './dataset-findings.ts'
export { type DetectedFormat, detectFormat } from './detect-format.ts'
export { type ReadClassMaskOptions, readClassMask } from './formats/class-mask/read.ts'
export { findDiceFile, readDice } from './formats/dice/read.ts'
export { readImageFolder } from './formats/imagefolder/read.ts'
export { type WriteImageFolderOptions, writeImageFolder } from './formats/imagefolder/write.ts'
export { createDataYaml, type DataYamlOptions } from './formats/yolo/data-yaml.ts'
export { type GroupBy, groupOf, roboflowSource } from './group-images.ts'
export { hashSplit } from './hash-split.ts'
export { type ImageDetails, type ImageSize, inspectImage, readImageSize } from './image-header.ts'
export { type DatasetIndex, type IndexDatasetOptions, type IndexedSample, indexDataset } from './index-dataset.ts'
export { openDataset } from './open-dataset.ts'
export type {
  Annotation,
  AnnotationKind,
  DatasetClassInfo,
  DatasetReader,
  ImageRecord,
  ReadDataset,
  ReadOptions,
  RunLengths,
} from './record.ts'
export type { ClassReport, ConversionReport, Loss, LossReason, SplitReport } from './report.ts'
export { type ShowDatasetOptions, type ShownDataset, showDataset } from './show-dataset.ts'
export { type SplitDatasetOptions, type SplitResult, splitDataset, withSplits } from './split-dataset.ts'
export { type DatasetReport, type ValidateDatasetOptions, validateDataset } from './validate-dataset.ts'
