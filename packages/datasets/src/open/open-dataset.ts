import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetFormat } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findDiceFile, readDice } from '../formats/dice/read.ts'
import type { DatasetReader, ReadOptions } from '../record/record.ts'
import { findDatasetRoot } from './find-dataset-root.ts'

/**
 * Opens the dataset in a folder in any format: DICE if it has an annotation file, otherwise the format that `detectFormat`
 * finds, otherwise folders of classes. With `format` nothing is detected.
 */
export async function openDataset(
  dir: string,
  { format: given, ...options }: ReadOptions & { format?: DatasetFormat | undefined } = {},
): Promise<DatasetReader> {
  const { name = `"${dir}"` } = options
  try {
    await readdir(dir)
  } catch (error) {
    throw new DatasetError(`The folder of the dataset, ${name}, cannot be read`, { reason: 'unreadable', cause: error })
  }
  const { AT_ROOT, findFormats, toSingleFormat } = await import('./detect-format.ts')
  const inner = await findDatasetRoot(dir)
  const open = async (format: DatasetFormat): Promise<DatasetReader> => {
    if (inner !== '' && AT_ROOT.has(format))
      throw new DatasetError(`${name} has only the folder "${inner}", which holds the dataset: give that folder`)
    const { loadReader } = await import('../formats/readers.ts')
    return (await loadReader[format]())(dir, options)
  }
  if (given !== undefined) return open(given)
  const diceFile = await findDiceFile(dir)
  // `annotations.json` may be COCO's. Any other mistake in a file of that name is reported by the DICE reader.
  const found = await findFormats(diceFile === undefined ? dir : join(dir, diceFile), options)
  if (diceFile !== undefined && !found.some(({ format }) => format === 'coco')) return readDice(dir, options)
  return open(found.length === 0 ? 'imagefolder' : toSingleFormat(name, found).format)
}
