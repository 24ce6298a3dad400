import { setImmediate } from 'node:timers/promises'
import type { ImageSet } from '../data/load-images.ts'
import { type Normalization, normalizeImage } from '../data/normalization.ts'
import type { Network } from '../models/network.ts'
import { crossEntropy } from './cross-entropy.ts'
import { forwardBatch } from './forward-batch.ts'

export interface Evaluation {
  loss: number
  /** Share of images whose likeliest class is the right one. */
  accuracy: number
  /** Share of images whose class is among the five likeliest. */
  top5Accuracy: number
  /** `counts[actual][predicted]` */
  confusion: number[][]
}

const BATCH = 256

/** Runs a network over a set of images and counts. */
export async function evaluate(
  network: Network,
  set: ImageSet,
  normalization: Normalization,
  classCount: number,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const stride = set.shape.imageSize ** 2 * set.shape.channels
  const confusion = Array.from({ length: classCount }, () => Array<number>(classCount).fill(0))
  let lossSum = 0
  let correct = 0
  let correctTop5 = 0
  for (let start = 0; start < set.count; start += BATCH) {
    signal?.throwIfAborted()
    const count = Math.min(BATCH, set.count - start)
    const images = new Float32Array(count * stride)
    for (let i = 0; i < count; i++) normalizeImage(set, start + i, normalization, images, i * stride)
    const labels = set.labels.subarray(start, start + count)
    const result = crossEntropy(forwardBatch(network, images, count), labels, classCount, 0)
    lossSum += result.lossSum
    correct += result.correct
    correctTop5 += result.correctTop5
    for (let i = 0; i < count; i++) {
      const row = confusion[labels[i] ?? 0]
      const predicted = indexOfLargest(result.probabilities, i * classCount, classCount)
      if (row !== undefined) row[predicted] = (row[predicted] ?? 0) + 1
    }
    await setImmediate()
  }
  const total = Math.max(1, set.count)
  return { loss: lossSum / total, accuracy: correct / total, top5Accuracy: correctTop5 / total, confusion }
}

function indexOfLargest(values: Float32Array, start: number, length: number): number {
  let best = 0
  for (let i = 1; i < length; i++) if ((values[start + i] ?? 0) > (values[start + best] ?? 0)) best = i
  return best
}
