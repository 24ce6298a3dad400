import { constants } from 'node:fs'
import { chmod, copyFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { ImageRecord } from '../record/record.ts'
import type { WriteContext } from './dataset-writer.ts'

/** Copies the image of a record into the result: a copy or reflink that can be modified. */
export async function copyImage(record: ImageRecord, file: string, { options, report }: WriteContext): Promise<void> {
  if (options.images === 'none') return
  if (record.file === undefined) return report.lose('image-missing-file', record.path)
  await mkdir(dirname(file), { recursive: true })
  try {
    await copyFile(record.file, file, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    await chmod(file, 0o644)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // The result is new, so the file is another image of this dataset, on a file system that ignores case.
    if (code === 'EEXIST')
      throw new DatasetError(
        `Image "${record.path}" has the same name as another image on this file system; expected unique names`,
      )
    if (code !== 'ENOENT') throw error
    report.lose('image-missing-file', record.path)
  }
}
