/**
 * Datasets of every format as one neutral record: DICE, COCO, YOLO, Pascal VOC, LabelMe and folders of classes, for
 * detection, segmentation, poses, rotated boxes and classification. Every loss of a conversion is counted.
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

export { type ConvertDatasetOptions, convertDataset } from './convert/convert-dataset.ts'
export { type MergeDatasetsOptions, mergeDatasets } from './convert/merge-datasets.ts'
export { type WriteAsOptions, writeAs } from './convert/write-as.ts'
export {
  type DatasetDescription,
  type DescribeDatasetOptions,
  describeDataset,
} from './describe/describe-dataset.ts'
export type { Bin, DatasetStatistics } from './describe/survey.ts'
export { type WriteDatasetReportOptions, writeDatasetReport } from './describe/write-report.ts'
export type { DatasetDiff, ImageChange } from './diff/dataset-diff.ts'
export { type DiffDatasetsOptions, diffDatasets } from './diff/diff-datasets.ts'
export type { DatasetEdit, DatasetFilter, DatasetSample } from './edit/dataset-edit.ts'
export { editDataset } from './edit/edit-dataset.ts'
export { LossError, MissingPackageError } from './errors.ts'
export { findImageFault, type ImageFault } from './faults/find-image-fault.ts'
export { IMAGE_NAME } from './files/list-files.ts'
export { type ReadClassMaskOptions, readClassMask } from './formats/class-mask/read.ts'
export { findDiceFile, findDiceFiles, readDice } from './formats/dice/read.ts'
export { readImageFolder } from './formats/imagefolder/read.ts'
export { type WriteImageFolderOptions, writeImageFolder } from './formats/imagefolder/write.ts'
export { loadReader } from './formats/readers.ts'
export { createDataYaml, type DataYamlOptions } from './formats/yolo/create-data-yaml.ts'
export { type WriteTestDatasetOptions, writeTestBoxes, writeTestDataset } from './generate/write-test-dataset.ts'
export type { RunLengths } from './geometry/rle.ts'
export type { Orientation } from './images/exif.ts'
export {
  type ImageDetails,
  type ImageFormat,
  type ImageSize,
  inspectImage,
  inspectImageBytes,
  readImageSize,
} from './images/image-header.ts'
export {
  type DatasetIndex,
  type IndexDatasetOptions,
  type IndexedSample,
  indexDataset,
} from './indexing/index-dataset.ts'
export { type DetectedFormat, type DetectFormatOptions, detectFormat, locateDataset } from './open/detect-format.ts'
export { openDataset } from './open/open-dataset.ts'
export { type Pixels, readPixels } from './pixels/read-pixels.ts'
export { resizePixels } from './pixels/resize-pixels.ts'
export type {
  Annotation,
  AnnotationKind,
  DatasetClassInfo,
  DatasetReader,
  ImageRecord,
  ReadDataset,
  ReadOptions,
  SharedDataset,
} from './record/record.ts'
export { type Loss, LossCounter, type LossReason } from './report/loss-counter.ts'
export type { ClassReport, ConversionReport, SplitReport } from './report/report.ts'
export { type ShowDatasetOptions, type ShownDataset, showDataset } from './show/show-dataset.ts'
export { type GroupBy, groupOf, roboflowSource } from './splits/group-images.ts'
export { hashSplit } from './splits/hash-split.ts'
export { type SplitDatasetOptions, type SplitResult, splitDataset } from './splits/split-dataset.ts'
export { findSplitOfFolder } from './splits/split-folder.ts'
export type { SplitRatios } from './splits/split-item.ts'
export { withSplits } from './splits/with-splits.ts'
export type { DatasetFinding, DatasetFindingCode, FindingSeverity } from './validate/dataset-findings.ts'
export { type DatasetReport, type ValidateDatasetOptions, validateDataset } from './validate/validate-dataset.ts'
export type { WriteOptions } from './writing/dataset-writer.ts'
