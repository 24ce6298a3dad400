import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetFormat } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findDiceFile, readDice } from '../formats/dice/read.ts'
import { readImageFolder } from '../formats/imagefolder/read.ts'
import type { DatasetReader, ReadOptions } from '../record/record.ts'

/**
 * Opens the dataset in a folder, whatever its format: DICE where there is an annotation file, else what the content says
 * (see `detectFormat`), else folders of classes. With `format` nothing is guessed.
 */
export async function openDataset(
  dir: string,
  { format: given, ...options }: ReadOptions & { format?: DatasetFormat } = {},
): Promise<DatasetReader> {
  try {
    await readdir(dir)
  } catch (error) {
    throw new DatasetError(`The dataset's folder "${dir}" cannot be read`, { cause: error })
  }
  if (given !== undefined) {
    const { loadReader } = await import('../formats/readers.ts')
    return (await loadReader[given]())(dir, options)
  }
  const { findFormats, toSingleFormat } = await import('./detect-format.ts')
  const name = await findDiceFile(dir)
  // `annotations.json` may be COCO's; whatever else is wrong with a file of that name is for DICE's reader to say.
  const found = await findFormats(name === undefined ? dir : join(dir, name), options.signal)
  if (name !== undefined && !found.some(({ format }) => format === 'coco')) return readDice(dir, options)
  if (found.length === 0) return readImageFolder(dir, options)
  const { format } = toSingleFormat(dir, found)
  const { loadReader } = await import('../formats/readers.ts')
  return (await loadReader[format]())(dir, options)
}
