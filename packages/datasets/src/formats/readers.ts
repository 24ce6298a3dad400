import type { DatasetFormat } from '@trainyard/contract'
import type { ReadDataset } from '../record/record.ts'

/** Loads the reader of a format on first use. */
export const loadReader: Readonly<Record<DatasetFormat, () => Promise<ReadDataset>>> = {
  dice: async () => (await import('./dice/read.ts')).readDice,
  coco: async () => (await import('./coco/read.ts')).readCoco,
  yolo: async () => (await import('./yolo/read.ts')).readYolo,
  voc: async () => (await import('./voc/read.ts')).readVoc,
  labelme: async () => (await import('./labelme/read.ts')).readLabelme,
  imagefolder: async () => (await import('./imagefolder/read.ts')).readImageFolder,
}
