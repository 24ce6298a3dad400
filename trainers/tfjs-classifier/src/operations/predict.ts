import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DatasetError, type PredictImage, type PredictJob, type PredictOutcome } from '@trainyard/sdk'
import { type CheckpointInfo, loadCheckpoint, restoreNetwork } from '../checkpoints/checkpoint.ts'
import { normalizeImage } from '../data/normalization.ts'
import { decodeImage } from '../images/decode-image.ts'
import { fitImage } from '../images/fit-image.ts'
import type { Network } from '../models/network.ts'
import { parseSettings } from '../settings.ts'
import { startBackend } from '../tensors/start-backend.ts'
import { forwardBatch } from '../training/forward-batch.ts'
import { type Ranked, rankClasses } from '../training/rank-classes.ts'

const BATCH = 64

/** One image's row in `predictions.json`. */
interface Row {
  image_name: string
  predictions: { class_id: number; class_name: string; confidence: number }[]
  inference_time_ms: number
  error?: string
}

/** Names the likeliest classes of every image, as events and as one JSON file. */
export async function predict(job: PredictJob): Promise<PredictOutcome> {
  const { topK } = parseSettings(job.config)
  const { path } = await job.inputs.checkpoint()
  const checkpoint = await loadCheckpoint(path)
  await startBackend()
  const network = restoreNetwork(checkpoint)
  const rows: Row[] = []
  try {
    for await (const images of job.batches()) {
      for (let start = 0; start < images.length; start += BATCH) {
        job.signal.throwIfAborted()
        const done = await predictBatch(network, checkpoint.info, images.slice(start, start + BATCH), topK)
        rows.push(...done)
        report(job, done)
        job.progress({ step: rows.length, totalSteps: Math.max(rows.length, images.length), phase: 'predict' })
        await setImmediate()
      }
    }
  } finally {
    network.dispose()
  }
  if (rows.length === 0) throw new DatasetError('There are no images to predict on')
  if (rows.every((row) => row.error !== undefined)) {
    throw new DatasetError(`None of the ${rows.length} images could be read; the first one: ${rows[0]?.error}`)
  }
  const total = rows.reduce((sum, row) => sum + row.inference_time_ms, 0)
  const file = join(job.workDir, 'predictions.json')
  await writeFile(
    file,
    JSON.stringify({
      model_name: checkpoint.info.spec.model,
      images: rows,
      total_images: rows.length,
      total_inference_time_ms: round(total),
      avg_inference_time_ms: round(total / rows.length),
    }),
  )
  const artifact = await job.artifact('prediction', file, { contentType: 'application/json' })
  return { imageCount: rows.length, artifactId: artifact.id }
}

function report(job: PredictJob, rows: readonly Row[]): void {
  for (const { image_name, predictions, inference_time_ms: inferenceTimeMs, error } of rows) {
    if (error !== undefined) job.log.warning(error)
    const objects = predictions.map((each) => ({
      classId: each.class_id,
      className: each.class_name,
      confidence: each.confidence,
    }))
    job.predictions(image_name, objects, { inferenceTimeMs, error })
  }
}

/** One bad image must not cost the others their answer: it gets an empty row with the reason. */
async function predictBatch(
  network: Network,
  { spec, classes, normalization }: CheckpointInfo,
  images: readonly PredictImage[],
  topK: number,
): Promise<Row[]> {
  const stride = spec.imageSize ** 2 * spec.channels
  const input = new Float32Array(images.length * stride)
  const errors: (string | undefined)[] = []
  for (const [index, image] of images.entries()) {
    try {
      const pixels = fitImage(decodeImage(await readFile(image.path), image.name), spec)
      normalizeImage({ pixels, shape: spec }, 0, normalization, input, index * stride)
      errors.push(undefined)
    } catch (error) {
      errors.push(error instanceof DatasetError ? error.message : `${image.name} cannot be read`)
    }
  }
  const startedAt = performance.now()
  const logits = forwardBatch(network, input, images.length)
  const inferenceTimeMs = round((performance.now() - startedAt) / images.length)
  return images.map((image, index): Row => {
    const error = errors[index]
    if (error !== undefined) return { image_name: image.name, predictions: [], inference_time_ms: 0, error }
    const ranked = rankClasses(logits.subarray(index * classes.length, (index + 1) * classes.length), topK)
    const predictions = ranked.map(({ index: classId, probability }: Ranked) => ({
      class_id: classId,
      class_name: classes[classId] ?? String(classId),
      confidence: probability,
    }))
    return { image_name: image.name, predictions, inference_time_ms: inferenceTimeMs }
  })
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}
