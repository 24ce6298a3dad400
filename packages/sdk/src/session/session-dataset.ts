import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type DatasetFormat, type SplitName, TargetFormat } from '@trainyard/contract'
import { ConfigError, DatasetError } from '@trainyard/contract/trainer-errors'
import type { DatasetIndex } from '@trainyard/datasets'
import type { FetchedDataset, FetchOptions, PredictImage, SampleIndex } from '../job.ts'
import type { Backend, OpenedDataset } from './backend.ts'
import type { JobSettings } from './settings.ts'

export interface SessionDatasetOptions {
  settings: JobSettings
  backend: Backend
  signal: AbortSignal
  info: (message: string) => void
  /** Reports what the job is doing. */
  phase: (phase: string) => void
}

const FLUSH_MS = 10_000

/** The dataset of a job: opened once, when it is first needed. */
export class SessionDataset {
  readonly #settings: JobSettings
  readonly #backend: Backend
  readonly #signal: AbortSignal
  readonly #info: SessionDatasetOptions['info']
  readonly #phase: SessionDatasetOptions['phase']
  #opened: Promise<OpenedDataset> | undefined

  constructor({ settings, backend, signal, info, phase }: SessionDatasetOptions) {
    this.#settings = settings
    this.#backend = backend
    this.#signal = signal
    this.#info = info
    this.#phase = phase
  }

  async fetch({ as, own = false }: FetchOptions): Promise<FetchedDataset> {
    const { dir, index, shareConversion } = await this.#open()
    const { classes, counts } = index
    const splits = (Object.keys(counts.splits) as SplitName[]).filter((split) => counts.splits[split] > 0)
    if (!TargetFormat.options.includes(as)) {
      const formats = TargetFormat.options.map((format) => JSON.stringify(format)).join(', ')
      throw new ConfigError(`dataset.fetch got as: ${JSON.stringify(as)}; expected one of: ${formats}`)
    }
    if (as === 'imagefolder') requireClassification(index, 'An image folder')
    const format = index.format ?? (await this.#detectFormat(dir))
    // Readers of DICE assign images without a split themselves; tools that read the other formats need every split written.
    const isAsAsked = format === as && (as === 'dice' ? !index.hasOtherSplits : index.hasOwnSplits !== false)
    if (isAsAsked && as !== 'imagefolder' && !own) return { dir, classes, splits, counts }
    const { workDir, taskType } = this.#settings
    const write = async (target: string) => {
      const { writeAs } = await import('@trainyard/datasets')
      return await writeAs({ source: dir, index, to: as, taskType, target, signal: this.#signal })
    }
    const shared = own ? undefined : await shareConversion?.({ format: as, taskType }, write)
    const target = shared?.dir ?? join(workDir, `dataset-${as}`)
    if (shared === undefined) await mkdir(workDir, { recursive: true })
    const losses = shared === undefined ? await write(target) : (shared.conversion?.losses ?? [])
    for (const { reason, count, examples } of losses)
      this.#info(`Converting to ${as}: ${count} × ${reason}, such as ${examples[0]}`)
    return { dir: target, classes, splits, counts }
  }

  async samples(): Promise<SampleIndex> {
    const { index } = await this.#open()
    requireClassification(index, 'dataset.samples()')
    return { classes: index.classes, samples: index.samples.filter((sample) => sample.classId >= 0) }
  }

  /** The images to predict. */
  async images(): Promise<PredictImage[]> {
    const given = await this.#backend.listImages(this.#signal)
    if (given !== undefined) return given
    const { index } = await this.#open()
    const test = index.samples.filter((sample) => sample.split === 'test')
    return (test.length > 0 ? test : index.samples).map(({ name, path }) => ({ name, path }))
  }

  /** The images to predict, in batches as they come. */
  async *batches(): AsyncGenerator<PredictImage[], void, undefined> {
    for (let after = '0'; ; ) {
      const next = await this.#backend.nextImages(after, this.#signal)
      if (next === undefined) return yield await this.images()
      if (next.images.length > 0) yield next.images
      // The sender waits for the result, so it is not kept for a larger batch of events.
      await this.#backend.flush({ timeoutMs: FLUSH_MS })
      await Promise.all(next.images.map(({ path }) => rm(path, { force: true })))
      if (next.done) return
      after = next.cursor
    }
  }

  #open(): Promise<OpenedDataset> {
    this.#opened ??= this.#load()
    return this.#opened
  }

  async #load(): Promise<OpenedDataset> {
    const { operation } = this.#settings
    this.#phase('fetch')
    const start = performance.now()
    let lastPercent = 0
    const opened = await this.#backend.openDataset(this.#signal, (files, totalFiles) => {
      const percent = totalFiles === 0 ? 0 : Math.floor((100 * files) / totalFiles)
      // As the phase, not as steps: steps measure the progress of the training.
      if (percent !== lastPercent) this.#phase(`fetch ${percent} %`)
      lastPercent = percent
    })
    const { counts, losses = [] } = opened.index
    const { images, labelled } = counts
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    this.#info(`Dataset ready in ${seconds} s: ${images} images, ${labelled} of them labelled`)
    for (const { reason, count, examples } of losses)
      this.#info(`Reading the dataset: ${count} × ${reason}, such as ${examples[0]}`)
    this.#phase(operation)
    if (operation === 'train' && labelled === 0) {
      throw new DatasetError(`The dataset has ${images} images, none of them labelled`)
    }
    return opened
  }

  async #detectFormat(dir: string): Promise<DatasetFormat> {
    const { detectFormat } = await import('@trainyard/datasets')
    return (await detectFormat(dir, { signal: this.#signal })).format
  }
}

function requireClassification(index: DatasetIndex, consumer: string): void {
  if (index.taskType === 'classification') return
  throw new DatasetError(`${consumer} needs a classification dataset; the task of this one is ${index.taskType}`)
}
