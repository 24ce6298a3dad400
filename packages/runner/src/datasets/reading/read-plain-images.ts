import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DICE_TASKS, type TaskType } from '@trainyard/contract'
import type { DatasetContent, UnpackedDataset } from './dataset-content.ts'
import { isImagePath } from './dataset-files.ts'

const FILE_NAME = 'annotations.json'

/**
 * Reads images without annotations, as input for a prediction. A DICE file that lists them without labels is generated,
 * so that trainers read them like any other dataset. All images are in the test split: there is nothing to train on.
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
