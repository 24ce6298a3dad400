import type { DatasetFormat } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { ReadDataset } from '../record/record.ts'

/** Loads the reader of a format on first use. */
export const loadReader: Readonly<Record<DatasetFormat, () => Promise<ReadDataset>>> = {
  dice: async () => (await import('./dice/read.ts')).readDice,
  coco: async () => (await import('./coco/read.ts')).readCoco,
  yolo: async () => (await import('./yolo/read.ts')).readYolo,
  voc: async () => (await import('./voc/read.ts')).readVoc,
  labelme: async () => (await import('./labelme/read.ts')).readLabelme,
  imagefolder: async () => (await import('./imagefolder/read.ts')).readImageFolder,
  masks: async () => (await import('./masks/read.ts')).readMaskFolders,
  huggingface: async () => (await import('./huggingface/read.ts')).readHuggingFace,
  dota: async () => (await import('./dota/read.ts')).readDota,
  webdataset: async () => refuse('webdataset'),
  cvat: async () => (await import('./cvat/read.ts')).readCvat,
  'label-studio': async () => (await import('./label-studio/read.ts')).readLabelStudio,
  'open-images': async () => (await import('./open-images/read.ts')).readOpenImages,
  kitti: async () => (await import('./kitti/read.ts')).readKitti,
  via: async () => (await import('./via/read.ts')).readVia,
  'coco-panoptic': async () => (await import('./coco-panoptic/read.ts')).readCocoPanoptic,
  supervisely: async () => (await import('./supervisely/read.ts')).readSupervisely,
  createml: async () => (await import('./createml/read.ts')).readCreateMl,
  'tensorflow-csv': async () => (await import('./tensorflow-csv/read.ts')).readTensorFlowCsv,
}

function refuse(format: DatasetFormat): ReadDataset {
  return async () => {
    throw new DatasetError(
      `Datasets of the format ${format} are written and not read: give the dataset that they were made from`,
      {
        reason: 'unknown-format',
      },
    )
  }
}
