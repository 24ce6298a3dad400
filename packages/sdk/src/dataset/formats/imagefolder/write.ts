import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { DatasetClass } from '../../../contract/index.ts'
import { DatasetError } from '../../../errors.ts'
import { forEachConcurrently } from '../../../util/for-each-concurrently.ts'
import type { DatasetIndex } from '../../index-dataset.ts'

export interface WriteImageFolderOptions {
  signal?: AbortSignal
}

/**
 * Writes `{split}/{class}/{image}` for every labelled image: copies (reflinks where the file system has them), never
 * links, so that whoever writes to the result changes no one else's files. The folder appears at once, when complete.
 */
export async function writeImageFolder(
  index: DatasetIndex,
  targetDir: string,
  { signal }: WriteImageFolderOptions = {},
): Promise<void> {
  const folders = new Map(index.classes.map((item) => [item.id, folderName(item)]))
  if (new Set(folders.values()).size !== folders.size) {
    throw new DatasetError('Two classes have the same name; a folder a class needs different ones')
  }
  const temporary = `${targetDir}.partial`
  await rm(temporary, { recursive: true, force: true })
  const labelled = index.samples.filter((sample) => folders.has(sample.classId))
  for (const split of new Set(labelled.map((sample) => sample.split))) {
    // Every class in every split, also empty ones: class numbers follow the folders' order.
    for (const folder of folders.values()) await mkdir(join(temporary, split, folder), { recursive: true })
  }
  const taken = new Set<string>()
  const copies = labelled.map((sample) => {
    const folder = join(temporary, sample.split, folders.get(sample.classId) ?? '')
    return { from: sample.path, to: uniqueName(folder, sample.name, taken) }
  })
  await forEachConcurrently(copies, 16, async ({ from, to }) => {
    signal?.throwIfAborted()
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    // The cache's files are read-only and a copy takes that over.
    await chmod(to, 0o644)
  })
  await rm(targetDir, { recursive: true, force: true })
  await rename(temporary, targetDir)
}

function folderName({ id, name }: DatasetClass): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a class named with control characters must not name a folder
  if (name === '' || name === '.' || name === '..' || /[\\/\u0000-\u001f\u007f]/.test(name)) {
    throw new DatasetError(
      `The name of class ${id} is ${JSON.stringify(name)}; as a folder's name it must hold no slash and no control character`,
    )
  }
  return name
}

/** `a/1.png` and `b/1.png` of one class both stay: the second becomes `b__1.png`. */
function uniqueName(folder: string, path: string, taken: Set<string>): string {
  const parts = path.split('/')
  for (let depth = 1; depth <= parts.length; depth++) {
    const candidate = join(folder, parts.slice(-depth).join('__'))
    if (!taken.has(candidate)) {
      taken.add(candidate)
      return candidate
    }
  }
  const extension = extname(path)
  for (let count = 2; ; count++) {
    const candidate = join(folder, `${parts.join('__').slice(0, -extension.length || undefined)}-${count}${extension}`)
    if (!taken.has(candidate)) {
      taken.add(candidate)
      return candidate
    }
  }
}
