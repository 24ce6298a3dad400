import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { CheckpointFile, FetchedDataset, FetchOptions, JobBase, PredictJob } from '../job.ts'
import type { PixelKind } from './write-pixels.ts'

/** The content of `job.json` for a program under `trainyard exec`. The field names are a public protocol. */
export interface JobFile {
  protocol: 1
  jobId: number
  attempt: number
  operation: JobBase['operation']
  taskType: JobBase['taskType']
  framework: string
  model: string
  traceId: string
  isLocal: boolean
  config: JobBase['config']
  /** Writable, private to the attempt, removed after it. */
  workDir: string
  /** For the operation `train`. */
  dataset?: (FetchedDataset & { format: FetchOptions['as'] }) | undefined
  /** For the operation `predict`: a file with one `{"name", "path"}` for each line. */
  imagesFile?: string | undefined
  /** With `--pixels`: a file with one image for each line, including its pixels. */
  pixelsFile?: string | undefined
  /** The checkpoint to start from, predict with or export; null without one. */
  checkpoint: CheckpointFile | null
  /** For the operation `export`. */
  exportFormat?: string | undefined
}

/** The job with the fields that depend on its operation. */
type JobWithInputs = JobBase & { exportFormat?: string; images?: PredictJob['images'] }

/** Fetches the job's inputs and writes `job.json`. Resolves with its path. */
export async function writeJobFile(
  job: JobWithInputs,
  fetchOptions: FetchOptions,
  pixels?: PixelKind,
): Promise<string> {
  const dir = join(job.workDir, 'exec')
  await mkdir(dir, { recursive: true })
  const { id, attempt, operation, taskType, framework, model, traceId, isLocal, config, workDir } = job
  const file: JobFile = {
    protocol: 1,
    jobId: id,
    attempt,
    operation,
    taskType,
    framework,
    model,
    traceId,
    isLocal,
    config,
    workDir,
    dataset:
      operation === 'train' ? { ...(await job.dataset.fetch(fetchOptions)), format: fetchOptions.as } : undefined,
    imagesFile: job.images === undefined ? undefined : await writeImages(job.images, dir),
    pixelsFile: pixels === undefined || operation === 'export' ? undefined : await writePixelsFile(job, pixels, dir),
    checkpoint: (await job.inputs.findCheckpoint()) ?? null,
    exportFormat: job.exportFormat,
  }
  const path = join(dir, 'job.json')
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`)
  return path
}

async function writePixelsFile(job: JobWithInputs, pixels: PixelKind, dir: string): Promise<string> {
  const { writePixels } = await import('./write-pixels.ts')
  const path = join(dir, 'pixels.jsonl')
  await writePixels(job, pixels, path)
  return path
}

/** As lines instead of one array: a dataset may have millions of images. */
async function writeImages(images: PredictJob['images'], dir: string): Promise<string> {
  const path = join(dir, 'images.jsonl')
  const list = await images()
  await pipeline(function* () {
    for (const image of list) yield `${JSON.stringify(image)}\n`
  }, createWriteStream(path))
  return path
}
