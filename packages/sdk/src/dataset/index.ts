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

export { type ConvertDatasetOptions, convertDataset } from './convert-dataset.ts'
export { type DetectedFormat, detectFormat } from './detect-format.ts'
export { findDiceFile, readDice } from './formats/dice/read.ts'
export { readImageFolder } from './formats/imagefolder/read.ts'
export { type WriteImageFolderOptions, writeImageFolder } from './formats/imagefolder/write.ts'
export { createDataYaml, type DataYamlOptions } from './formats/yolo/data-yaml.ts'
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
