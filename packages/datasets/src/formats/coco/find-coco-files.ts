import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { ReadOptions } from '../../record/record.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'

export interface CocoFile {
  /** Absolute. */
  file: string
  /** Relative to the dataset's root. */
  name: string
  split: SplitName | undefined
}

export interface FoundCocoFiles {
  root: string
  files: CocoFile[]
  /** Names of files about the same images that are not read: captions, keypoints beside instances. */
  others: string[]
  /** The given path is one file; what lies beside it is no part of the dataset. */
  isFile: boolean
}

/** Other annotation files that COCO ships beside the instances. */
const OTHERS = /^(captions|panoptic|stuff|image_info)_/
const KEYPOINTS = /^person_keypoints_/

/**
 * The annotation files of a COCO dataset: `annotations/*.json`, `*.json` at the root, or one in the folder of each split
 * (`train/_annotations.coco.json`). Where there are instances and keypoints of the same images, `task` decides.
 */
export async function findCocoFiles(
  dir: string,
  { task, name = `"${dir}"` }: Pick<ReadOptions, 'task' | 'name'> = {},
): Promise<FoundCocoFiles> {
  const stats = await stat(dir).catch((error: unknown) => {
    throw new DatasetError(`${name} cannot be read`, { reason: 'unreadable', cause: error })
  })
  if (stats.isFile()) {
    const name = basename(dir)
    const folder = dirname(dir)
    const root = basename(folder) === 'annotations' ? dirname(folder) : folder
    return { root, files: [{ file: dir, name, split: findSplitInName(name) }], others: [], isFile: true }
  }
  const folders = (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  const places = [
    'annotations',
    '',
    ...folders.map(({ name }) => name).filter((name) => findSplitInName(name) !== undefined),
  ]
  const found: CocoFile[] = []
  for (const place of places) {
    const names = await readdir(join(dir, place)).catch((): string[] => [])
    for (const name of names.filter((name) => /\.json$/i.test(name) && !name.startsWith('.')).sort()) {
      const split = findSplitInName(name) ?? (place === '' ? undefined : findSplitInName(place))
      found.push({ file: join(dir, place, name), name: place === '' ? name : `${place}/${name}`, split })
    }
    // With a folder of annotations, JSON files at the root are something else.
    if (found.length > 0 && place === 'annotations') break
  }
  const labels = found.filter(({ file }) => !OTHERS.test(basename(file)))
  const keypoints = labels.filter(({ file }) => KEYPOINTS.test(basename(file)))
  const instances = labels.filter((file) => !keypoints.includes(file))
  const chosen = task === 'pose' && keypoints.length > 0 ? keypoints : instances.length > 0 ? instances : keypoints
  const others = found.filter((file) => !chosen.includes(file)).map(({ name }) => name)
  return { root: dir, files: chosen, others, isFile: false }
}

/** The split in a name, such as `train2017`, `instances_val.json` or `valid`. */
function findSplitInName(name: string): SplitName | undefined {
  for (const word of name.toLowerCase().split(/[^a-z]+/)) {
    const split = findSplitOfFolder(word)
    if (split !== undefined) return split
  }
  return undefined
}
