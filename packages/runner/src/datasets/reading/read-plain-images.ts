import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DICE_TASKS } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import type { DatasetContent, UnpackedDataset } from './dataset-content.ts'
import { isImagePath } from './dataset-files.ts'
import { Omissions } from './omissions.ts'
import { findUnusable, type ReadContentOptions, withoutFiles } from './read-content.ts'

const FILE_NAME = 'annotations.json'

/**
 * Reads images without annotations, as input for a prediction. A DICE file that lists them without labels is generated,
 * so that trainers read them like any other dataset. All images are in the test split: there is nothing to train on.
 */
export async function readPlainImages(
  whole: UnpackedDataset,
  { taskType = 'classification', strict, hasPixels }: Pick<ReadContentOptions, 'taskType' | 'strict' | 'hasPixels'>,
): Promise<{ dataset: UnpackedDataset; content: DatasetContent }> {
  const omissions = new Omissions({ strict })
  const found = [...whole.files.keys()].filter(isImagePath)
  const unusable = hasPixels ? await findUnusable(whole.dir, found, omissions) : []
  omissions.throwIfAny('The images cannot be used')
  if (unusable.length === found.length)
    throw new TrainyardError('unprocessable', `There are no images that can be used: ${omissions.example()}`)
  const dataset = await withoutFiles(whole, unusable)
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
    losses: omissions.losses.list(),
  }
  return { dataset: { ...dataset, files: new Map([...dataset.files, [FILE_NAME, Buffer.byteLength(text)]]) }, content }
}
