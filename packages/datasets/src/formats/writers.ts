import type { TargetFormat } from '@trainyard/contract'
import type { CreateDatasetWriter } from '../writing/dataset-writer.ts'

/** Loads the writer of a format on first use. */
export const loadWriter: Readonly<Record<TargetFormat, () => Promise<CreateDatasetWriter>>> = {
  dice: async () => (await import('./dice/write.ts')).createDiceWriter,
  coco: async () => (await import('./coco/write.ts')).createCocoWriter,
  yolo: async () => (await import('./yolo/write.ts')).createYoloWriter,
  voc: async () => (await import('./voc/write.ts')).createVocWriter,
  labelme: async () => (await import('./labelme/write.ts')).createLabelmeWriter,
  imagefolder: async () => (await import('./imagefolder/write.ts')).createImageFolderWriter,
  masks: async () => (await import('./masks/write.ts')).createMasksWriter,
  huggingface: async () => (await import('./huggingface/write.ts')).createHuggingFaceWriter,
  dota: async () => (await import('./dota/write.ts')).createDotaWriter,
  webdataset: async () => (await import('./webdataset/write.ts')).createWebDatasetWriter,
}
