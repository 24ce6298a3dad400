import type { SplitName, TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { isFlipIndex } from './flip-index.ts'

/** What goes into a `data.yaml`. */
export interface DataYamlOptions {
  /** Class names in the order of their numbers. */
  names: readonly string[]
  /** Folder or list of each split, relative to the file. Default `images/train` and `images/val`. */
  splits?: Partial<Record<SplitName, string>> | undefined
  task?: TaskType | undefined
  /** For pose: the number of keypoints of an object, and of values for each (2 or 3). */
  keypointShape?: readonly [count: number, dimensions: number] | undefined
  /** Names of the keypoints by class, where they are known. */
  keypointNames?: ReadonlyMap<number, readonly string[]> | undefined
  /** The mirror image of each keypoint. Throws `DatasetError` unless mirroring twice gives the keypoint back. */
  flipIndex?: readonly number[] | undefined
}

/**
 * Creates the `data.yaml` that Ultralytics reads. Every name is quoted: YAML 1.1 reads a bare `no` as false and `1.0` as a
 * number. It has no `path`, so that paths are relative to the file wherever the folder is moved, and no `download`.
 *
 * ```ts
 * createDataYaml({ names: ['cat', 'dog'], splits: { train: 'images/train', val: 'images/val' } })
 * ```
 */
export function createDataYaml(options: DataYamlOptions): string {
  const { names, task, keypointShape, keypointNames, flipIndex } = options
  const splits = options.splits ?? { train: 'images/train', val: 'images/val' }
  const lines: string[] = []
  // Outlines of four points look like rotated boxes. A comment, because a loader may reject an unknown key.
  if (task !== undefined) lines.push(`# task: ${task}`)
  for (const split of ['train', 'val', 'test'] as const) {
    const entry = splits[split]
    if (entry !== undefined) lines.push(`${split}: ${quote(entry)}`)
  }
  lines.push('', `nc: ${names.length}`)
  if (names.length === 0) lines.push('names: {}')
  else lines.push('names:', ...names.map((name, id) => `  ${id}: ${quote(name)}`))
  if (keypointShape !== undefined) {
    const [count, dimensions] = keypointShape
    lines.push('', `kpt_shape: [${count}, ${dimensions}]`)
    if (flipIndex !== undefined) {
      if (!isFlipIndex(flipIndex, count)) {
        throw new DatasetError(
          `flip_idx is [${flipIndex.join(', ')}]; expected the mirror image of each of ${count} keypoints, and back again`,
        )
      }
      lines.push(`flip_idx: [${flipIndex.join(', ')}]`)
    }
    if (keypointNames !== undefined && keypointNames.size > 0) {
      lines.push('kpt_names:')
      for (const [id, points] of keypointNames) lines.push(`  ${id}: [${points.map(quote).join(', ')}]`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** A double-quoted scalar that YAML 1.1 and 1.2 read alike. Unprintable and invisible characters are escaped. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
