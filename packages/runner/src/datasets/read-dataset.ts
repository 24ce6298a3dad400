import { join } from 'node:path'
import { TrainyardError } from '@trainyard/platform'
import { DICE_FILE_NAMES } from '@trainyard/sdk/contract'
import type { DatasetContent, UnpackedDataset } from './dataset-content.ts'
import { findDiceFiles, readDice } from './read-dice.ts'
import { isSplitFolder, looksLikeImageFolder, readImageFolder } from './read-image-folder.ts'

const JUNK = /(^|\/)(\._[^/]*|\.DS_Store|Thumbs\.db|__MACOSX\/.*)$/

/** Finds out, by content, which format an unpacked archive is in, and reads it. */
export async function readDataset(
  dir: string,
  files: readonly { path: string; sizeBytes: number }[],
): Promise<{ dataset: UnpackedDataset; content: DatasetContent }> {
  const dataset = atRoot(
    dir,
    new Map(files.filter(({ path }) => !JUNK.test(path)).map((file) => [file.path, file.sizeBytes])),
  )
  if (dataset.files.size === 0)
    throw new TrainyardError('unprocessable', 'The archive is empty: wanted a tar or tar.gz of a dataset’s folder')
  const diceFiles = findDiceFiles(dataset)
  const [diceFile] = diceFiles
  if (diceFiles.length > 1)
    throw new TrainyardError(
      'unprocessable',
      `The archive has ${diceFiles.join(' and ')}: a dataset carries one task, so upload each with its images on its own`,
    )
  if (diceFile !== undefined) return { dataset, content: await readDice(dataset, diceFile) }
  if (looksLikeImageFolder(dataset)) return { dataset, content: readImageFolder(dataset) }
  throw new TrainyardError(
    'unprocessable',
    `The format of the dataset is not known. Seen at its root: ${describeRoot(dataset)}. ` +
      `Wanted: a DICE file (${DICE_FILE_NAMES.join(', ')}), or images in train/<class>/, val/<class>/ and test/<class>/`,
  )
}

/** Many archives hold one folder that holds the dataset: that folder is the root then. */
function atRoot(dir: string, files: ReadonlyMap<string, number>): UnpackedDataset {
  const tops = new Set<string>()
  for (const path of files.keys()) tops.add(path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
  const [top = ''] = tops
  if (tops.size !== 1 || top === '' || isSplitFolder(top)) return { dir, files }
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
