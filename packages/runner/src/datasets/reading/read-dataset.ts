import { join } from 'node:path'
import type { DatasetFormat, TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findDiceFiles, findSplitOfFolder } from '@trainyard/datasets'
import { TrainyardError } from '@trainyard/platform'
import type { DatasetContent, UnpackedDataset } from './dataset-content.ts'
import { isJunk } from './dataset-files.ts'
import { findFormat } from './find-format.ts'
import { MAX_ISSUES } from './omissions.ts'
import { readContent } from './read-content.ts'
import { readPlainImages } from './read-plain-images.ts'

export interface ReadDatasetOptions {
  /** Default: detected from the files. */
  format?: DatasetFormat | undefined
  /** The task, where the format does not tell. */
  taskType?: TaskType | undefined
  /** Refuse a dataset of which anything would be left out or changed. Default false. */
  strict?: boolean | undefined
  /** Whether the images are in the folder. Default true; otherwise placeholders stand for them. */
  hasPixels?: boolean | undefined
  /** What messages call the dataset. Default: `the archive`. */
  name?: string | undefined
}

/** Reads a dataset of any format from a folder. Throws `unprocessable` with what is wrong with it. */
export async function readDataset(
  dir: string,
  files: readonly { path: string; sizeBytes: number }[],
  { format, taskType, strict = false, hasPixels = true, name = 'the archive' }: ReadDatasetOptions = {},
): Promise<{ dataset: UnpackedDataset; content: DatasetContent }> {
  const kept = files.filter(({ path }) => !isJunk(path))
  const dataset = atRoot(dir, new Map(kept.map((file) => [file.path, file.sizeBytes])))
  if (dataset.files.size === 0)
    throw new TrainyardError('unprocessable', `${capitalise(name)} is empty; expected the files of a dataset`)
  try {
    const diceFiles = await findDiceFiles(dataset.dir)
    if (diceFiles.length > 1 && (format ?? 'dice') === 'dice')
      throw new TrainyardError(
        'unprocessable',
        `${capitalise(name)} has ${diceFiles.join(' and ')}: a dataset has one task, so upload each file with its images`,
      )
    const found = format ?? (await findFormat(dataset, { name, hasDiceFile: diceFiles.length > 0 }))
    if (found === undefined) return await readPlainImages(dataset, { taskType, strict, hasPixels })
    return await readContent(dataset, { format: found, taskType, name, strict, hasPixels })
  } catch (error) {
    throw error instanceof DatasetError ? toProblem(error) : error
  }
}

/** Messages of `DatasetError` name files by their path in the dataset, so they can be sent as they are. */
function toProblem(error: DatasetError): TrainyardError {
  const hint = error.reason === 'ambiguous-format' ? ' with the parameter "format" of the request' : ''
  return new TrainyardError('unprocessable', `${error.message}${hint}`, {
    issues: error.issues.slice(0, MAX_ISSUES),
    cause: error,
  })
}

/** Many archives hold one folder that is the root of the dataset. */
function atRoot(dir: string, files: ReadonlyMap<string, number>): UnpackedDataset {
  const tops = new Set<string>()
  for (const path of files.keys()) tops.add(path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
  const [top = ''] = tops
  if (tops.size !== 1 || top === '' || findSplitOfFolder(top) !== undefined || top === 'images') return { dir, files }
  return {
    dir: join(dir, top),
    files: new Map([...files].map(([path, sizeBytes]) => [path.slice(top.length + 1), sizeBytes])),
  }
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
