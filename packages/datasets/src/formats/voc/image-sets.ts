import { posix } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { toPortablePath } from '../../files/portable-path.ts'
import { readText, toLines } from '../../files/read-text.ts'
import { splitExtension } from '../../files/split-extension.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'

const LIST_PATH = /^(?:(.*)\/)?ImageSets\/(Main|Segmentation|Layout)\/([^/]+)\.txt$/

/**
 * Reads `ImageSets/Main/{train,val,test}.txt`, which hold one stem a line: with or without a suffix, alone or before a flag.
 * `trainval` and lists of one class (`cat_train`) add nothing. The devkit splits its images differently for each task: the
 * lists of `preferred` win. Lines that name no image of `known` are counted.
 */
export async function readImageSets(
  dir: string,
  files: readonly string[],
  { preferred, known, losses }: ReadImageSetsOptions,
): Promise<Map<string, SplitName>> {
  const own = new Map<string, SplitName>()
  const others = new Map<string, SplitName>()
  for (const path of files) {
    const [, devkit = '.', set, name = ''] = LIST_PATH.exec(path) ?? []
    const split = findSplitOfFolder(name)
    if (set === undefined || split === undefined) continue
    const splits = set === preferred ? own : others
    for (const line of toLines(await readText(dir, path))) {
      const key = findKey(line, devkit, known)
      if (key === undefined) {
        if (splits === own) losses.add('list-line-unmatched', `${path}: ${line.slice(0, 200)}`)
        continue
      }
      // An image in two lists belongs to the one that must not leak: test before val before train.
      const first = splits.get(key)
      if (first !== undefined && first !== split)
        losses.add('image-in-several-splits', `${line.slice(0, 200)} is in the lists ${first} and ${split}`)
      if (first === undefined || first === 'train' || split === 'test') splits.set(key, split)
    }
  }
  return new Map([...others, ...own])
}

export interface ReadImageSetsOptions {
  preferred: 'Main' | 'Segmentation'
  /** The keys of the images that the dataset has. */
  known: ReadonlySet<string>
  losses: LossCounter
}

/** The image that a line names: the whole line, or its first word; without a suffix where it has one. */
function findKey(line: string, devkit: string, known: ReadonlySet<string>): string | undefined {
  const whole = line.replace(/^"(.*)"$/, '$1')
  for (const text of [whole, whole.split(/\s+/, 1).join('')]) {
    const stem = toPortablePath(text)
    if (stem === undefined) continue
    for (const name of [stem, splitExtension(stem).stem]) {
      const key = posix.join(devkit, name)
      if (known.has(key)) return key
    }
  }
  return undefined
}
