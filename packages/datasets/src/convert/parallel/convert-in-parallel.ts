import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { TargetFormat } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { DatasetReader, SharedDataset } from '../../record/record.ts'
import type { ReportParts } from '../../report/report.ts'
import type { WriteContext } from '../../writing/dataset-writer.ts'
import { createOutputNames } from '../../writing/output-names.ts'
import type { FromWorker, ImageRange, WorkerInput } from './messages.ts'

/** For fewer images, threads cost more than they save. */
const MIN_IMAGES = 2000
/** Images in a range for a worker: few enough that all workers end at about the same time. */
const RANGE = 1024
/** More threads only wait for the file system. */
const MAX_WORKERS = 8
/** Each thread has a copy of the splits, about 100 bytes an image. */
const MAX_SPLITS = 500_000

export interface ConvertInParallelOptions {
  reader: DatasetReader
  to: TargetFormat
  context: WriteContext
  onProgress: (progress: { images: number }) => void
}

/**
 * Converts with worker threads, for datasets that several threads can read and formats with a file for each image. The
 * result has the same bytes as without threads. Undefined when threads cannot be used: then the caller clears the target
 * and converts the images one by one.
 */
export async function convertInParallel(options: ConvertInParallelOptions): Promise<number | undefined> {
  const { reader, to, context } = options
  const { shared } = reader
  const program = findProgram()
  if (shared === undefined || program === undefined || shared.images < MIN_IMAGES || !isFileForEach(to, context)) {
    return undefined
  }
  if ((shared.splits?.size ?? 0) > MAX_SPLITS) return undefined
  const ranges: ImageRange[] = []
  for (let start = 0; start < shared.images; start += RANGE) ranges.push({ start, end: start + RANGE })
  const results: ReportParts[] = []
  const { signal, ...writeOptions } = context.options
  const input: WorkerInput = {
    handle: shared.handle,
    splits: shared.splits,
    to,
    target: context.target,
    dataset: { ...context.dataset, attributes: {} },
    options: writeOptions,
  }
  const count = Math.min(availableParallelism(), MAX_WORKERS, ranges.length)
  const pool = new Pool(program, input, count, options.onProgress)
  const abort = () => pool.fail(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    signal?.throwIfAborted()
    const work = pool.run(ranges, results)
    // A failure during the check of the names is thrown by the `await` below.
    work.catch(() => {})
    if (await hasCollisions(shared)) return undefined
    const images = await work
    // In the order of the images, so that the report always has the same examples.
    for (const parts of results) context.report.absorb(parts)
    return images
  } finally {
    signal?.removeEventListener('abort', abort)
    await pool.close()
  }
}

/** Whether each image has its own file, so that the order of writing does not matter. */
function isFileForEach(to: TargetFormat, { options, dataset }: WriteContext): boolean {
  if (to !== 'yolo' || options.task === 'classification') return false
  // Without names, the first object with keypoints decides how many there are.
  return options.task !== 'pose' || dataset.classes.some(({ keypoints }) => (keypoints?.length ?? 0) > 0)
}

/** A name with a suffix depends on the names before it, so only one thread can assign it. */
async function hasCollisions({ names, splits }: SharedDataset): Promise<boolean> {
  const outputNames = createOutputNames()
  let count = 0
  for (const { path, split } of names()) {
    // Other splits are by the paths of the files, which can differ from these: then names must be unique over all splits.
    outputNames.next(path, splits === undefined ? split : '')
    if (outputNames.collisions > 0) return true
    if (++count % 4096 === 0) await setImmediate()
  }
  return false
}

/** The worker is beside this file in the source, and at the top of `dist` after a build. */
function findProgram(): URL | undefined {
  const names = import.meta.url.endsWith('.ts')
    ? ['./convert-worker.ts']
    : ['./convert-worker.js', '../convert-worker.js']
  return names.map((name) => new URL(name, import.meta.url)).find((url) => existsSync(url))
}

class Pool {
  readonly #workers: Worker[]
  readonly #onProgress: (progress: { images: number }) => void
  #fail: (reason: unknown) => void = () => {}
  #failure: { reason: unknown } | undefined

  constructor(
    program: URL,
    workerData: WorkerInput,
    count: number,
    onProgress: (progress: { images: number }) => void,
  ) {
    this.#onProgress = onProgress
    this.#workers = Array.from(
      { length: count },
      () => new Worker(program, { workerData, resourceLimits: { maxYoungGenerationSizeMb: 8 } }),
    )
  }

  /** Stops all workers: `run` throws `reason`. */
  fail(reason: unknown): void {
    this.#failure ??= { reason }
    this.#fail(reason)
  }

  /** Sends ranges to the workers, the next one whenever a worker is done. `results` are in the order of the ranges. */
  run(ranges: readonly ImageRange[], results: ReportParts[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#fail = reject
      if (this.#failure !== undefined) reject(this.#failure.reason)
      let next = 0
      let done = 0
      let images = 0
      for (const worker of this.#workers) {
        worker.on('error', reject)
        worker.on('exit', () => reject(new Error('A worker thread of the conversion exited unexpectedly')))
        worker.on('message', (message: FromWorker) => {
          if (message.type === 'failed') {
            reject(message.isDataset ? new DatasetError(message.message) : new Error(message.message))
            return
          }
          if (message.type === 'done') {
            results[message.start / RANGE] = message.report
            images += message.images
            done++
            this.#onProgress({ images })
            if (done === ranges.length) resolve(images)
          }
          const range = ranges[next++]
          if (range !== undefined) worker.postMessage(range)
        })
      }
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}
