import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DatasetFormat, type SplitName, type TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { LossError } from '../errors.ts'
import { loadReader } from '../formats/readers.ts'
import { loadWriter } from '../formats/writers.ts'
import { locateDataset } from '../open/detect-format.ts'
import type { DatasetReader } from '../record/record.ts'
import { type ConversionReport, ReportBuilder } from '../report/report.ts'
import { withSplits } from '../splits/with-splits.ts'
import type { DatasetWriter, WriteContext, WriteOptions } from '../writing/dataset-writer.ts'
import { checkSize } from './check-size.ts'
import { type ConversionMarker, digestInput, digestWritten, findMarker, writeMarker } from './conversion-marker.ts'
import { dropUnusedClasses } from './drop-unused-classes.ts'

type OptionalOptions<T> = { [Key in keyof T]?: T[Key] | undefined }

/** Source, target and options of a conversion. */
export interface ConvertDatasetOptions extends OptionalOptions<Omit<WriteOptions, 'signal'>> {
  /**
   * The dataset: a folder, or one annotation file of COCO. It is not modified. A folder whose only content is the folder of
   * the dataset, as in many archives, is entered.
   */
  source: string
  /** The folder to write. It is renamed into place when it is complete. A folder with other content is refused. */
  target: string
  to: DatasetFormat
  /** Default: detected from the content (see `detectFormat`). */
  from?: DatasetFormat | undefined
  /**
   * Drop classes that no annotation has. The classes after them get other numbers. Default false.
   */
  dropUnusedClasses?: boolean | undefined
  /** Splits by path, instead of those of the dataset: see `splitDataset`. */
  splits?: ReadonlyMap<string, SplitName> | undefined
  /** Throw `LossError` for any loss, and write nothing. Default false: losses are counted in the report. */
  strict?: boolean | undefined
  /** Write again even when the target has this conversion of this source already. Default false. */
  force?: boolean | undefined
  /** Called regularly with the number of images so far. */
  onProgress?: ((progress: { images: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

/** After this many images the event loop runs: heartbeats and cancellation must get through. */
const YIELD_EVERY = 64

/**
 * Converts a dataset from any format to any other that can hold its task. Classes keep their order. Everything that does
 * not fit is counted in the report with its first examples. For DICE and COCO, memory does not grow with the dataset.
 *
 * Converting the same source with the same options again does nothing (`isUnchanged`): `.trainyard-conversion.json` in the
 * target holds a digest of the paths, sizes and dates of the files of the source. It is the only file whose bytes depend on
 * more than the content of the source.
 *
 * Throws `DatasetError` for a source that cannot be read, an image with another size than its annotations were drawn on and
 * a target with other content, and with `strict` a `LossError` for any loss.
 *
 * ```ts
 * const report = await convertDataset({ source: 'coco', target: 'coco-yolo', to: 'yolo', task: 'segmentation' })
 * console.log(report.images, report.annotations, report.losses)
 * ```
 */
export async function convertDataset(options: ConvertDatasetOptions): Promise<ConversionReport> {
  const { signal, strict = false, force = false } = options
  const given = resolve(options.source)
  const target = resolve(options.target)
  checkOptions(options)
  checkPaths(given, target)
  const { dir: source, format: from } = await locateDataset(given, { format: options.from, signal })
  const digest = await digestInput(source, { ...choices(options), from }, signal)
  const held = await findMarker(target)
  if (held !== undefined && !force && held.digest === digest && (await isWhole(target, held))) {
    return { ...held.report, target, isUnchanged: true }
  }
  if (held === undefined && (await isOccupied(target))) {
    throw new DatasetError(
      `The target "${target}" is not empty and not the result of a conversion; expected a new folder`,
    )
  }

  const partial = `${target}.trainyard-partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  try {
    const report = await write({ ...options, source, from }, partial, target)
    if (strict && report.losses.length > 0) throw new LossError(report)
    await writeMarker(partial, digest, report)
    signal?.throwIfAborted()
    await replace(partial, target)
    return report
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  }
}

async function write(
  options: ConvertDatasetOptions & { from: DatasetFormat },
  partial: string,
  target: string,
): Promise<ConversionReport> {
  const { source, from, to, task, onProgress = () => {}, signal } = options
  const readDataset = await loadReader[from]()
  const { vocOneBased = false } = options
  const opened = await readDataset(source, {
    vocOneBased,
    outlines: task !== 'detection',
    task,
    signal,
  })
  const used = options.dropUnusedClasses ? await dropUnusedClasses(opened) : opened
  const reader = options.splits === undefined ? used : withSplits(used, options.splits)
  try {
    const report = new ReportBuilder()
    const context: WriteContext = {
      target: partial,
      dataset: headOf(reader),
      report,
      options: fillOptions(options, task ?? reader.taskType),
    }
    const { convertInParallel } = await import('./parallel/convert-in-parallel.ts')
    const inParallel = await convertInParallel({ reader, to, context, onProgress })
    if (inParallel === undefined) {
      await rm(partial, { recursive: true, force: true })
      await mkdir(partial, { recursive: true })
    }
    const writer = await (await loadWriter[to]())(context)
    try {
      const images = inParallel ?? (await writeOneByOne(reader, writer, options, context))
      if (report.images === 0) throw noImages(reader, report)
      await writer.finish()
      onProgress({ images })
    } catch (error) {
      writer.abort?.()
      throw error
    }
    if (reader.losses !== undefined) report.losses.merge(reader.losses.list())
    return report.build({ from, to, taskType: context.options.task, target }, reader.classes)
  } finally {
    await reader.close?.()
  }
}

async function writeOneByOne(
  reader: DatasetReader,
  writer: DatasetWriter,
  { onProgress = () => {}, signal }: ConvertDatasetOptions,
  context: WriteContext,
): Promise<number> {
  let images = 0
  for await (const record of reader.images()) {
    signal?.throwIfAborted()
    if (context.options.images === 'copy') checkSize(record)
    const writing = writer.image(record)
    if (writing !== undefined) await writing
    if (++images % YIELD_EVERY === 0) {
      onProgress({ images })
      await setImmediate()
    }
  }
  return images
}

function headOf({ format, taskType, name, classes, attributes }: DatasetReader): WriteContext['dataset'] {
  return { format, taskType, name, classes, attributes }
}

function fillOptions(options: ConvertDatasetOptions, task: TaskType): WriteOptions {
  const { to, images = 'copy', multiPart = 'bridge', vocOneBased = false, minAreaPx = 1e-3, decimals = 6 } = options
  const crowd = options.crowd ?? (to === 'coco' || to === 'dice' ? 'keep' : 'skip')
  return { task, images, multiPart, crowd, vocOneBased, minAreaPx, decimals, signal: options.signal }
}

/** Everything but the source that the result depends on. */
function choices(options: ConvertDatasetOptions): Record<string, unknown> {
  const { to, task, splits, dropUnusedClasses = false } = options
  const { signal: _, ...filled } = fillOptions(options, 'detection')
  return { to, ...filled, task: task ?? null, dropUnusedClasses, splits: splits && [...splits] }
}

function noImages(reader: DatasetReader, report: ReportBuilder): DatasetError {
  const [first] = [...(reader.losses?.list() ?? []), ...report.losses.list()]
  const why = first === undefined ? '' : `: ${first.count} × ${first.reason}, such as ${first.examples[0]}`
  return new DatasetError(`None of the dataset's images can be converted${why}`)
}

function checkOptions({ to, from, minAreaPx = 0, decimals = 6 }: ConvertDatasetOptions): void {
  for (const [name, format] of Object.entries({ to, from })) {
    if (format !== undefined && !DatasetFormat.options.includes(format)) {
      throw new DatasetError(
        `"${name}" is ${JSON.stringify(format)}; expected one of ${DatasetFormat.options.join(', ')}`,
      )
    }
  }
  if (!(minAreaPx >= 0)) throw new DatasetError(`minAreaPx is ${minAreaPx}; expected a number from 0`)
  if (!Number.isInteger(decimals) || decimals < 1 || decimals > 15) {
    throw new DatasetError(`decimals is ${decimals}; expected a whole number from 1 to 15`)
  }
}

function checkPaths(source: string, target: string): void {
  const isInside = (inner: string, outer: string) => inner === outer || inner.startsWith(outer + sep)
  if (isInside(target, source) || isInside(source, target)) {
    throw new DatasetError(
      `The target "${target}" and the source "${source}" overlap (${relative(source, target) || '.'}); expected separate folders`,
    )
  }
}

async function isOccupied(target: string): Promise<boolean> {
  if (!existsSync(target)) return false
  const names = await readdir(target).catch(() => ['(a file)'])
  return names.length > 0
}

/** Whether the target has the files that the conversion wrote, with their sizes and dates. */
async function isWhole(target: string, { written }: ConversionMarker): Promise<boolean> {
  return (await digestWritten(target)) === written
}

/** Two renames, so that the target is never incomplete. A crash between them leaves the old result beside it. */
async function replace(partial: string, target: string): Promise<void> {
  const old = `${target}.trainyard-old`
  await rm(old, { recursive: true, force: true })
  await rename(target, old).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  })
  await rename(partial, target)
  await rm(old, { recursive: true, force: true })
}
