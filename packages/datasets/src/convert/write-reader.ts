import { mkdir, rm } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { DatasetFormat, TargetFormat, type TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { loadWriter } from '../formats/writers.ts'
import type { DatasetReader } from '../record/record.ts'
import type { LossReason } from '../report/loss-counter.ts'
import { type ConversionReport, ReportBuilder } from '../report/report.ts'
import type { DatasetWriter, WriteContext, WriteOptions } from '../writing/dataset-writer.ts'
import { usableImage } from './usable-image.ts'

type OptionalOptions<T> = { [Key in keyof T]?: T[Key] | undefined }

/** How a dataset is written. */
export interface TargetOptions extends OptionalOptions<Omit<WriteOptions, 'signal'>> {
  /** The folder to write. It is renamed into place when it is complete. A folder with other content is refused. */
  target: string
  to: TargetFormat
  /** Throw `LossError` for any loss, and write nothing. Default false: losses are counted in the report. */
  strict?: boolean | undefined
  /** Write again even when the target has this result already. Default false. */
  force?: boolean | undefined
  /** Called regularly with the number of images so far. */
  onProgress?: ((progress: { images: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

/** After this many images the event loop runs: heartbeats and cancellation must get through. */
const YIELD_EVERY = 64

/** Writes every image of a reader into the folder `partial`; `options.target` is what the report names. */
export async function writeReader(
  reader: DatasetReader,
  options: TargetOptions,
  partial: string,
): Promise<ConversionReport> {
  const { to, task, onProgress = () => {} } = options
  const report = new ReportBuilder()
  const { format, taskType, name, classes, attributes } = reader
  const context: WriteContext = {
    target: partial,
    dataset: { format, taskType, name, classes, attributes },
    report,
    options: fillOptions(options, task ?? taskType),
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
  return report.build({ from: format, to, taskType: context.options.task, target: options.target }, classes)
}

async function writeOneByOne(
  reader: DatasetReader,
  writer: DatasetWriter,
  { onProgress = () => {}, signal }: TargetOptions,
  context: WriteContext,
): Promise<number> {
  let images = 0
  for await (const record of reader.images()) {
    signal?.throwIfAborted()
    const usable = usableImage(record, context)
    const writing = usable && writer.image(usable)
    if (writing !== undefined) await writing
    if (++images % YIELD_EVERY === 0) {
      onProgress({ images })
      await setImmediate()
    }
  }
  return images
}

function fillOptions(options: TargetOptions, task: TaskType): WriteOptions {
  const { to, images = 'copy', multiPart = 'bridge', vocOneBased = false, minAreaPx = 1e-3, decimals = 6 } = options
  const crowd = options.crowd ?? (to === 'coco' || to === 'dice' ? 'keep' : 'skip')
  const { ignored = 'keep' } = options
  return { task, images, multiPart, crowd, ignored, vocOneBased, minAreaPx, decimals, signal: options.signal }
}

/** The options that the result depends on. */
export function targetChoices(options: TargetOptions): Record<string, unknown> {
  const { to, task } = options
  const { signal: _, ...filled } = fillOptions(options, 'detection')
  return { to, ...filled, task: task ?? null }
}

/** Throws `DatasetError` for values that no format has. */
export function checkTargetOptions({ to, minAreaPx = 0, decimals = 6 }: TargetOptions): void {
  if (!TargetFormat.options.includes(to)) {
    const hint = DatasetFormat.options.includes(to) ? ', the formats that are written' : ''
    throw new DatasetError(`"to" is ${JSON.stringify(to)}; expected one of ${TargetFormat.options.join(', ')}${hint}`)
  }
  if (!(minAreaPx >= 0)) throw new DatasetError(`minAreaPx is ${minAreaPx}; expected a number from 0`)
  if (!Number.isInteger(decimals) || decimals < 1 || decimals > 15) {
    throw new DatasetError(`decimals is ${decimals}; expected a whole number from 1 to 15`)
  }
}

export function checkFormat(name: string, format: DatasetFormat | undefined): void {
  if (format === undefined || DatasetFormat.options.includes(format)) return
  throw new DatasetError(`"${name}" is ${JSON.stringify(format)}; expected one of ${DatasetFormat.options.join(', ')}`)
}

/** Reasons that do not explain why an image of the dataset is missing. */
const PASSED_OVER: ReadonlySet<LossReason> = new Set(['file-ignored', 'folder-ignored', 'image-unlabelled'])

function noImages(reader: DatasetReader, report: ReportBuilder): DatasetError {
  const losses = [...(reader.losses?.list() ?? []), ...report.losses.list()]
  const first = losses.find(({ reason }) => !PASSED_OVER.has(reason)) ?? losses[0]
  const why = first === undefined ? '' : `: ${first.count} × ${first.reason}, such as ${first.examples[0]}`
  return new DatasetError(`None of the dataset's images can be converted${why}`)
}
