import { resolve } from 'node:path'
import type { DatasetFormat, SplitName } from '@trainyard/contract'
import type { DatasetEdit } from '../edit/dataset-edit.ts'
import { editDataset } from '../edit/edit-dataset.ts'
import { loadReader } from '../formats/readers.ts'
import { locateDataset } from '../open/detect-format.ts'
import type { ConversionReport } from '../report/report.ts'
import { withSplits } from '../splits/with-splits.ts'
import { digestInput } from './conversion-marker.ts'
import { dropUnusedClasses } from './drop-unused-classes.ts'
import { checkPaths, produceTarget } from './produce-target.ts'
import { checkFormat, checkTargetOptions, type TargetOptions, targetChoices, writeReader } from './write-reader.ts'

/** Source, target and options of a conversion. */
export interface ConvertDatasetOptions extends TargetOptions {
  /**
   * The dataset: a folder, or one annotation file of COCO. It is not modified. A folder whose only content is the folder of
   * the dataset, as in many archives, is entered.
   */
  source: string
  /** Default: detected from the content (see `detectFormat`). */
  from?: DatasetFormat | undefined
  /** Which images, classes and objects to write, and under which names. Default: all, with their own. */
  edit?: DatasetEdit | undefined
  /** Follow symbolic links into this folder, such as the cache of DVC. Default: links out of the dataset are counted. */
  followLinks?: string | undefined
  /**
   * Drop classes that no annotation has. The classes after them get other numbers. Default false.
   */
  dropUnusedClasses?: boolean | undefined
  /** Splits by path, instead of those of the dataset: see `splitDataset`. */
  splits?: ReadonlyMap<string, SplitName> | undefined
}

/**
 * Converts a dataset from any format to any other that can hold its task. Classes keep their order. Everything that does
 * not fit is counted in the report with its first examples. For DICE and COCO, memory does not grow with the dataset.
 *
 * Converting the same source with the same options again does nothing (`isUnchanged`): `.trainyard-conversion.json` in the
 * target holds a digest of the paths, sizes and dates of the files of the source. It is the only file whose bytes depend on
 * more than the content of the source.
 *
 * Throws `DatasetError` for a source that cannot be read and a target with other content, and with `strict` a `LossError`
 * for any loss. One damaged file or entry does not stop a conversion: it is left out and counted.
 *
 * ```ts
 * const report = await convertDataset({ source: 'coco', target: 'coco-yolo', to: 'yolo', task: 'segmentation' })
 * console.log(report.images, report.annotations, report.losses)
 * ```
 */
export async function convertDataset(options: ConvertDatasetOptions): Promise<ConversionReport> {
  const { signal, strict = false, force = false, followLinks } = options
  const given = resolve(options.source)
  const target = resolve(options.target)
  checkFormat('from', options.from)
  checkTargetOptions(options)
  checkPaths(given, target)
  const { dir: source, format: from } = await locateDataset(given, { format: options.from, followLinks, signal })
  const digest = await digestInput(source, { ...choices(options), from }, { followLinks, signal })
  return produceTarget({ target, digest, strict, force, signal }, (partial) =>
    write({ ...options, source, from, target }, partial),
  )
}

async function write(
  options: ConvertDatasetOptions & { from: DatasetFormat },
  partial: string,
): Promise<ConversionReport> {
  const { source, from, task, vocOneBased = false, edit, followLinks, signal } = options
  const readDataset = await loadReader[from]()
  const opened = await readDataset(source, { vocOneBased, outlines: task !== 'detection', task, followLinks, signal })
  try {
    const edited = edit === undefined ? opened : await editDataset(opened, edit, signal)
    const used = options.dropUnusedClasses ? await dropUnusedClasses(edited) : edited
    const reader = options.splits === undefined ? used : withSplits(used, options.splits)
    return await writeReader(reader, options, partial)
  } finally {
    await opened.close?.()
  }
}

/** Everything but the source that the result depends on. */
function choices(options: ConvertDatasetOptions): Record<string, unknown> {
  const { edit, splits, dropUnusedClasses = false } = options
  return { ...targetChoices(options), dropUnusedClasses, edit, splits: splits && [...splits] }
}
