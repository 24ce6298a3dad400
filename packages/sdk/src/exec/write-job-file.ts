import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { FetchedDataset, FetchOptions, JobBase, PredictJob } from '../job.ts'
import type { PixelKind } from './write-pixels.ts'

/** `job.json`: what a program under `trainyard exec` needs to know. Field names are part of the public protocol. */
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
  /** With the operation train. */
  dataset?: FetchedDataset & { format: FetchOptions['as'] }
  /** With the operation predict: a file with one `{"name", "path"}` a line. */
  imagesFile?: string
  /** With `--pixels`: a file with one image a line, its pixels among the fields. */
  pixelsFile?: string
  /** What to go on from, predict with or export; null when the job was given none. */
  checkpoint: { path: string; name: string; sizeBytes: number } | null
  /** With the operation export. */
  exportFormat?: string
}

/** Fetches the job's inputs and writes what the program reads. Resolves with the file's path. */
export async function writeJobFile(
  job: JobBase & { exportFormat?: string; images?: PredictJob['images'] },
  wanted: FetchOptions,
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
    ...(operation === 'train' ? { dataset: { ...(await job.dataset.fetch(wanted)), format: wanted.as } } : {}),
    ...(job.images === undefined ? {} : { imagesFile: await writeImages(job.images, dir) }),
    ...(pixels === undefined || operation === 'export' ? {} : { pixelsFile: await handOver(job, pixels, dir) }),
    checkpoint: (await job.inputs.findCheckpoint()) ?? null,
    ...(job.exportFormat === undefined ? {} : { exportFormat: job.exportFormat }),
  }
  const path = join(dir, 'job.json')
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`)
  return path
}

async function handOver(job: Parameters<typeof writeJobFile>[0], pixels: PixelKind, dir: string): Promise<string> {
  const { writePixels } = await import('./write-pixels.ts')
  const path = join(dir, 'pixels.jsonl')
  await writePixels(job, pixels, path)
  return path
}

/** A line each: a dataset may have millions. */
async function writeImages(images: PredictJob['images'], dir: string): Promise<string> {
  const path = join(dir, 'images.jsonl')
  const list = await images()
  await pipeline(function* () {
    for (const image of list) yield `${JSON.stringify(image)}\n`
  }, createWriteStream(path))
  return path
}
