import { DatasetFormat } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { detectFormat, findSplitOfFolder } from '@trainyard/datasets'
import { TrainyardError } from '@trainyard/platform'
import type { UnpackedDataset } from './dataset-content.ts'
import { isImagePath } from './dataset-files.ts'

/** Files that often lie beside images that are not a dataset yet. */
const NOTES = /(^|\/)(readme|licen[cs]e|copying|notice)[^/]*$|\.md$/i

/**
 * The format of a dataset; undefined for images without any annotations. Throws `unprocessable` when the files match no
 * format, and `DatasetError` when they match more than one.
 */
export async function findFormat(
  dataset: UnpackedDataset,
  { name, hasDiceFile }: { name: string; hasDiceFile: boolean },
): Promise<DatasetFormat | undefined> {
  const found = await detect(dataset, name)
  if (found !== undefined && found !== 'imagefolder') return found
  if (hasDiceFile) return 'dice'
  if (hasSplitFolders(dataset)) return 'imagefolder'
  // Other folders are classes only when nothing beside the images could be their labels.
  const paths = [...dataset.files.keys()]
  const hasOnlyImages = paths.some(isImagePath) && paths.every((path) => isImagePath(path) || NOTES.test(path))
  // An image in no folder has no class, so the folders of the other images are not classes either.
  if (hasOnlyImages) return paths.some((path) => isImagePath(path) && !path.includes('/')) ? undefined : found
  throw new TrainyardError(
    'unprocessable',
    `The format of the dataset is unknown. Found at its root: ${describeRoot(dataset)}. ` +
      `Expected one of ${DatasetFormat.options.join(', ')} (for example annotations.json with its images, or images in ` +
      'train/<class>/, val/<class>/ and test/<class>/), or images only',
  )
}

async function detect(dataset: UnpackedDataset, name: string): Promise<DatasetFormat | undefined> {
  try {
    return (await detectFormat(dataset.dir, { name })).format
  } catch (error) {
    if (error instanceof DatasetError && error.reason === 'unknown-format') return undefined
    throw error
  }
}

/** Whether an image is at `train/<class>/<image>`, or in the folder of another split. */
function hasSplitFolders(dataset: UnpackedDataset): boolean {
  for (const path of dataset.files.keys()) {
    const [first = '', ...inside] = path.split('/')
    if (inside.length > 1 && findSplitOfFolder(first) !== undefined && isImagePath(path)) return true
  }
  return false
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
