import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DICE_TASKS, type TaskType } from '@trainyard/contract'
import type { DatasetContent, UnpackedDataset } from './dataset-content.ts'
import { isImagePath } from './dataset-files.ts'

const FILE_NAME = 'annotations.json'

/**
 * Images and nothing else: something to predict on. They get a DICE file that lists them without a label, so that every
 * trainer reads them as it reads any dataset. All of them are for testing: there is nothing to learn from.
 */
export async function readPlainImages(
  dataset: UnpackedDataset,
  taskType: TaskType = 'classification',
): Promise<{ dataset: UnpackedDataset; content: DatasetContent }> {
  const paths = [...dataset.files.keys()].filter(isImagePath).sort()
  const images = paths.map((path, id) => ({ id, file_name: path, width: 0, height: 0, split: 'test', annotations: [] }))
  const file = { format_version: '1.0', task_type: DICE_TASKS[taskType], classes: [], images }
  const text = `${JSON.stringify(file)}\n`
  await writeFile(join(dataset.dir, FILE_NAME), text)
  const content: DatasetContent = {
    format: 'dice',
    taskType,
    classes: [],
    images: paths.map((path) => ({ path, split: 'test', splitGiven: true, classIds: [], labelled: false })),
    annotationFiles: [FILE_NAME],
    generatedFile: FILE_NAME,
    annotations: 0,
  }
  return { dataset: { ...dataset, files: new Map([...dataset.files, [FILE_NAME, Buffer.byteLength(text)]]) }, content }
}
