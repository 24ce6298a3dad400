/**
 * Datasets of every format as one neutral record: DICE, COCO, YOLO, Pascal VOC, LabelMe and folders of classes, for
 * detection, segmentation, poses, turned boxes and classification. Nothing is lost in silence.
 *
 * ```ts
 * import { convertDataset } from '@trainyard/datasets'
 *
 * const report = await convertDataset({ source: 'coco', target: 'coco-yolo', to: 'yolo' })
 * for (const { reason, count, examples } of report.losses) console.log(`${count} × ${reason}`, examples[0])
 * ```
 *
 * @module
 */

export type { SplitRatios } from './assign-splits.ts'
export { type ConvertDatasetOptions, convertDataset, LossError } from './convert-dataset.ts'
export type { WriteOptions } from './convert-options.ts'
export type { DatasetFinding, DatasetFindingCode, FindingSeverity } from './dataset-findings.ts'
export { type DetectedFormat, detectFormat } from './detect-format.ts'
export type { Orientation } from './exif.ts'
export { type ReadClassMaskOptions, readClassMask } from './formats/class-mask/read.ts'
export { findDiceFile, readDice } from './formats/dice/read.ts'
export { readImageFolder } from './formats/imagefolder/read.ts'
export { type WriteImageFolderOptions, writeImageFolder } from './formats/imagefolder/write.ts'
export { loadReader } from './formats/readers.ts'
export { createDataYaml, type DataYamlOptions } from './formats/yolo/data-yaml.ts'
export { type GroupBy, groupOf, roboflowSource } from './group-images.ts'
export { hashSplit } from './hash-split.ts'
export { type ImageDetails, type ImageFormat, type ImageSize, inspectImage, readImageSize } from './image-header.ts'
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
  SharedDataset,
} from './record.ts'
export type { ClassReport, ConversionReport, Loss, LossCounter, LossReason, SplitReport } from './report.ts'
export { type LoadedPixels, loadPixels, type Pixels, resize } from './show/load-pixels.ts'
export { type ShowDatasetOptions, type ShownDataset, showDataset } from './show-dataset.ts'
export { type SplitDatasetOptions, type SplitResult, splitDataset } from './split-dataset.ts'
export { type DatasetReport, type ValidateDatasetOptions, validateDataset } from './validate-dataset.ts'
export { withSplits } from './with-splits.ts'
export { type WriteAsOptions, writeAs } from './write-as.ts'
export { type WriteTestDatasetOptions, writeTestDataset } from './write-test-dataset.ts'
