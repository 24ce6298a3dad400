import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import type { DatasetFormat } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { editDataset } from '../edit/edit-dataset.ts'
import { type MergeSource, mergeReaders } from '../edit/merge-readers.ts'
import { loadReader } from '../formats/readers.ts'
import { locateDataset } from '../open/detect-format.ts'
import type { ConversionReport } from '../report/report.ts'
import { digestInput } from './conversion-marker.ts'
import { checkPaths, produceTarget } from './produce-target.ts'
import { checkTargetOptions, type TargetOptions, targetChoices, writeReader } from './write-reader.ts'

/** Sources, target and options of a merge. */
export interface MergeDatasetsOptions extends TargetOptions {
  /** The datasets, at least two, each in any format. None is modified. The first decides the order of classes. */
  sources: readonly string[]
  /** Classes to rename in every source before they are merged. A class that a source does not have is skipped. */
  rename?: Readonly<Record<string, string>> | undefined
  /**
   * Images with the same bytes: take the first one, or all. Default `first`: each one that is left out is counted in the
   * report, with the name of the one that was taken. Reads the files that have the size of another one.
   */
  sameBytes?: 'first' | 'all' | undefined
}

/**
 * Writes several datasets as one. Classes with the same name become one. Images with the same path get the name of their
 * source as folder. Throws `DatasetError` for datasets of different tasks, unless `task` is given, and for classes of one
 * name with different keypoints.
 *
 * ```ts
 * await mergeDatasets({ sources: ['day', 'night'], target: 'both', to: 'coco', rename: { auto: 'car' } })
 * ```
 */
export async function mergeDatasets(options: MergeDatasetsOptions): Promise<ConversionReport> {
  const { signal, strict = false, force = false, rename, sameBytes = 'first' } = options
  const target = resolve(options.target)
  checkTargetOptions(options)
  if (options.sources.length < 2)
    throw new DatasetError(`Merging needs at least two datasets, got ${options.sources.length}`)
  const located: { dir: string; format: DatasetFormat; name: string }[] = []
  const digest = createHash('sha256')
  for (const source of options.sources) {
    const given = resolve(source)
    checkPaths(given, target)
    const { dir, format } = await locateDataset(given, { signal })
    digest.update(await digestInput(dir, { ...targetChoices(options), rename, sameBytes, format }, { signal }))
    located.push({ dir, format, name: basename(given) })
  }
  return produceTarget({ target, digest: digest.digest('hex'), strict, force, signal }, async (partial) => {
    const opened: MergeSource[] = []
    try {
      for (const { dir, format, name } of located) {
        const reader = await (await loadReader[format]())(dir, { task: options.task, signal })
        opened.push({ name, reader })
        const known = Object.entries(rename ?? {}).filter(([from]) => reader.classes.some((info) => info.name === from))
        opened[opened.length - 1] = { name, reader: await editDataset(reader, { rename: Object.fromEntries(known) }) }
      }
      const merged = await mergeReaders(opened, { task: options.task, sameBytes, signal })
      return await writeReader(merged, { ...options, target }, partial)
    } finally {
      for (const { reader } of opened) await reader.close?.()
    }
  })
}
