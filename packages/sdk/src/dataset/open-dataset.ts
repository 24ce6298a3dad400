import { readdir } from 'node:fs/promises'
import { DatasetError } from '../errors.ts'
import { findDiceFile, readDice } from './formats/dice/read.ts'
import { readImageFolder } from './formats/imagefolder/read.ts'
import type { DatasetReader } from './record.ts'

/** Opens the dataset in a folder: DICE where there is an annotation file, else folders of classes. */
export async function openDataset(dir: string): Promise<DatasetReader> {
  try {
    await readdir(dir)
  } catch (error) {
    throw new DatasetError(`The dataset's folder "${dir}" cannot be read`, { cause: error })
  }
  return (await findDiceFile(dir)) === undefined ? readImageFolder(dir) : readDice(dir)
}
