import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { toPortablePath } from '../../files/portable-path.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'

const LIST_PATH = /^(?:(.*)\/)?ImageSets\/(Main|Segmentation|Layout)\/([^/]+)\.txt$/

/**
 * Reads `ImageSets/Main/{train,val,test}.txt`, which hold one stem a line. `trainval` and lists of one class (`cat_train`)
 * add nothing. The devkit splits its images differently for each task: the lists of `preferred` win.
 */
export async function readImageSets(
  dir: string,
  files: readonly string[],
  preferred: 'Main' | 'Segmentation',
): Promise<Map<string, SplitName>> {
  const own = new Map<string, SplitName>()
  const others = new Map<string, SplitName>()
  for (const path of files) {
    const [, devkit = '.', set, name = ''] = LIST_PATH.exec(path) ?? []
    const split = findSplitOfFolder(name)
    if (set === undefined || split === undefined) continue
    const splits = set === preferred ? own : others
    for (const line of (await readFile(join(dir, path), 'utf8')).split(/\r?\n/)) {
      const stem = toPortablePath(line.trim().replace(/^"(.*)"$/, '$1'))
      if (stem === undefined) continue
      const key = posix.join(devkit, stem)
      // An image in two lists belongs to the one that must not leak: test before val before train.
      const known = splits.get(key)
      if (known === undefined || known === 'train' || split === 'test') splits.set(key, split)
    }
  }
  return new Map([...others, ...own])
}
