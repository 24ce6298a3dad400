import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseIgnoreRules } from '@trainyard/contract'
import { InvalidTrainerError } from '../errors.ts'
import { type FolderFile, listFiles, summarize } from '../folders/list-files.ts'

const IGNORE_FILE = '.trainyardignore'

/** Lists the files of a trainer's bundle, sorted by path. Throws {@link InvalidTrainerError} for links and special files. */
export async function listBundleFiles(dir: string): Promise<FolderFile[]> {
  const isIgnored = parseIgnoreRules(await readFile(join(dir, IGNORE_FILE), 'utf8').catch(() => ''))
  const { files, refused } = await listFiles(dir, isIgnored)
  if (refused.length > 0)
    throw new InvalidTrainerError(
      `A bundle must contain only files and folders, but ${dir} has ${summarize(refused)}. ` +
        `Replace them, or add them to ${IGNORE_FILE}.`,
    )
  return files
}
