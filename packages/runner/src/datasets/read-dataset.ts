import { join } from 'node:path'
import { type DatasetFormat, DatasetFormat as DatasetFormats, type TaskType } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import { type DatasetContent, isImagePath, type UnpackedDataset } from './dataset-content.ts'
import { findFormat, readAnyFormat } from './read-any-format.ts'
import { findDiceFiles, readDice } from './read-dice.ts'
import { isSplitFolder, looksLikeImageFolder, readImageFolder } from './read-image-folder.ts'
import { readPlainImages } from './read-plain-images.ts'

export const JUNK = /(^|\/)(\._[^/]*|\.DS_Store|Thumbs\.db|__MACOSX\/.*)$/
/** What people put beside images that are no dataset yet. */
const NOTES = /(^|\/)(readme|licen[cs]e|copying|notice)[^/]*$|\.md$/i

export interface ReadDatasetOptions {
  /** Where two formats are as likely. */
  format?: DatasetFormat | undefined
  /** Where the format cannot tell. */
  taskType?: TaskType | undefined
  /** What the files came in, for messages. Default "the archive". */
  name?: string
}

/** Finds out, by content, which format a folder is in, and reads it. */
export async function readDataset(
  dir: string,
  files: readonly { path: string; sizeBytes: number }[],
  { format, taskType, name = 'the archive' }: ReadDatasetOptions = {},
): Promise<{ dataset: UnpackedDataset; content: DatasetContent }> {
  const dataset = atRoot(
    dir,
    new Map(files.filter(({ path }) => !JUNK.test(path)).map((file) => [file.path, file.sizeBytes])),
  )
  if (dataset.files.size === 0)
    throw new TrainyardError(
      'unprocessable',
      `${name.replace(/^t/, 'T')} is empty: wanted a tar, tar.gz or zip of a dataset’s folder`,
    )
  const options = { taskType, name }
  const diceFiles = findDiceFiles(dataset)
  if (diceFiles.length > 1 && (format ?? 'dice') === 'dice')
    throw new TrainyardError(
      'unprocessable',
      `${name.replace(/^t/, 'T')} has ${diceFiles.join(' and ')}: a dataset carries one task, so upload each with its images on its own`,
    )
  const found = format ?? (await tellFormat(dataset, diceFiles[0], name))
  if (found === undefined) return await readPlainImages(dataset, taskType)
  const [diceFile] = diceFiles
  if (found === 'dice' && diceFile !== undefined) return { dataset, content: await readDice(dataset, diceFile) }
  if (found === 'imagefolder' && looksLikeImageFolder(dataset)) return { dataset, content: readImageFolder(dataset) }
  return { dataset, content: await readAnyFormat(dataset, { ...options, format: found }) }
}

/** The format; undefined for images and nothing else. */
async function tellFormat(
  dataset: UnpackedDataset,
  diceFile: string | undefined,
  name: string,
): Promise<DatasetFormat | undefined> {
  const found = await findFormat(dataset, name)
  // Folders are not classes because there are folders: something beside the images may be their labels.
  if (found !== undefined && found !== 'imagefolder') return found
  if (diceFile !== undefined) return 'dice'
  if (looksLikeImageFolder(dataset)) return 'imagefolder'
  const paths = [...dataset.files.keys()]
  const isOfImages = paths.some(isImagePath) && paths.every((path) => isImagePath(path) || NOTES.test(path))
  // An image in no folder has no class: then the folders of the others are none either.
  if (isOfImages) return paths.some((path) => isImagePath(path) && !path.includes('/')) ? undefined : found
  throw new TrainyardError(
    'unprocessable',
    `The format of the dataset is not known. Seen at its root: ${describeRoot(dataset)}. ` +
      `Wanted: one of ${DatasetFormats.options.join(', ')} (for example annotations.json beside its images, or images in ` +
      'train/<class>/, val/<class>/ and test/<class>/), or images and nothing else',
  )
}

/** Many archives hold one folder that holds the dataset: that folder is the root then. */
function atRoot(dir: string, files: ReadonlyMap<string, number>): UnpackedDataset {
  const tops = new Set<string>()
  for (const path of files.keys()) tops.add(path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
  const [top = ''] = tops
  if (tops.size !== 1 || top === '' || isSplitFolder(top) || top === 'images') return { dir, files }
  return {
    dir: join(dir, top),
    files: new Map([...files].map(([path, sizeBytes]) => [path.slice(top.length + 1), sizeBytes])),
  }
}

function describeRoot(dataset: UnpackedDataset): string {
  const counts = new Map<string, number>()
  for (const path of dataset.files.keys()) {
    const slash = path.indexOf('/')
    const top = slash === -1 ? path : path.slice(0, slash + 1)
    counts.set(top, (counts.get(top) ?? 0) + 1)
  }
  const shown = [...counts].slice(0, 8).map(([top, count]) => {
    const name = JSON.stringify(top).slice(1, -1)
    return top.endsWith('/') ? `${name} (${count} ${count === 1 ? 'file' : 'files'})` : name
  })
  return shown.join(', ') + (counts.size > 8 ? `, and ${counts.size - 8} more` : '')
}
