import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetFormat } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findDiceFile, readDice } from '../formats/dice/read.ts'
import { readImageFolder } from '../formats/imagefolder/read.ts'
import type { DatasetReader, ReadOptions } from '../record/record.ts'

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
  if (given !== undefined) {
    const { loadReader } = await import('../formats/readers.ts')
    return (await loadReader[given]())(dir, options)
  }
  const { findFormats, toSingleFormat } = await import('./detect-format.ts')
  const diceFile = await findDiceFile(dir)
  // `annotations.json` may be COCO's. Any other mistake in a file of that name is reported by the DICE reader.
  const found = await findFormats(diceFile === undefined ? dir : join(dir, diceFile), options)
  if (diceFile !== undefined && !found.some(({ format }) => format === 'coco')) return readDice(dir, options)
  if (found.length === 0) return readImageFolder(dir, options)
  const { format } = toSingleFormat(name, found)
  const { loadReader } = await import('../formats/readers.ts')
  return (await loadReader[format]())(dir, options)
}
