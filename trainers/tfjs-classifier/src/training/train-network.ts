import { setImmediate } from 'node:timers/promises'
import type { ImageSet } from '../data/load-images.ts'
import { type Normalization, normalizeImage } from '../data/normalization.ts'
import { augmentImage } from '../images/augment-image.ts'
import type { Network } from '../models/network.ts'
import { createRandom, shuffle } from '../random.ts'
import type { Settings } from '../settings.ts'
import { type Evaluation, evaluate } from './evaluate.ts'
import { learningRateAt } from './learning-rate.ts'
import { createOptimizer } from './optimizers.ts'
import { trainStep } from './train-step.ts'

/** Where training stands within an epoch. */
export interface StepReport {
  step: number
  totalSteps: number
  /** Mean loss since the last report. */
  loss: number
  learningRate: number
}

/** How an epoch went. */
export interface EpochReport {
  epoch: number
  loss: number
  accuracy: number
  validation: Evaluation
  learningRate: number
  /** Whether this is the best epoch so far: higher accuracy, or the same with a lower loss. */
  isBest: boolean
}

export interface TrainNetworkOptions {
  network: Network
  train: ImageSet
  val: ImageSet
  normalization: Normalization
  classCount: number
  settings: Settings
  signal: AbortSignal
  /** How far the weights that the network holds were trained already: training goes on behind that epoch. Default: not at all. */
  done?: EpochReport
  /** Called about ten times an epoch. */
  onStep?(report: StepReport): void
  onEpoch?(report: EpochReport): Promise<void> | void
}

export interface TrainNetworkResult {
  last: EpochReport
  best: EpochReport
  /** Whether `patience` ran out before the epochs did. */
  stoppedEarly: boolean
}

const STEP_REPORTS_PER_EPOCH = 10

/**
 * Trains a network, epoch by epoch. Same seed, same data, same settings: same weights. Behind earlier epochs, numbers, order of
 * the images and learning rate go on where they were; the optimizer's averages start again.
 */
export async function trainNetwork(options: TrainNetworkOptions): Promise<TrainNetworkResult> {
  const { network, train, settings, signal, classCount, normalization } = options
  const stride = train.shape.imageSize ** 2 * train.shape.channels
  const stepsPerEpoch = Math.ceil(train.count / settings.batch)
  const totalSteps = stepsPerEpoch * settings.epochs
  const reportEvery = Math.max(1, Math.ceil(stepsPerEpoch / STEP_REPORTS_PER_EPOCH))
  const rate = {
    learningRate: settings.learningRate,
    cosine: settings.cosine,
    finalFraction: settings.finalFraction,
    warmupSteps: Math.round(settings.warmupEpochs * stepsPerEpoch),
    totalSteps,
  }
  const optimizer = createOptimizer(settings.optimizer, [...network.weights.values()], settings)
  const order = Int32Array.from({ length: train.count }, (_, index) => index)
  const shuffling = createRandom(settings.seed, 'shuffle')
  const { done } = options
  const epochsDone = done?.epoch ?? 0
  for (let epoch = 0; epoch < epochsDone; epoch++) shuffle(order, shuffling)
  // How many numbers the earlier epochs drew is not known: theirs are left alone.
  const suffix = epochsDone === 0 ? '' : `-behind-${epochsDone}`
  const bending = createRandom(settings.seed, `augment${suffix}`)
  const training = { dropout: settings.dropout, random: createRandom(settings.seed, `dropout${suffix}`) }
  const plain = new Float32Array(stride)

  let step = epochsDone * stepsPerEpoch
  let best = done
  if (done !== undefined && epochsDone >= settings.epochs) return { last: done, best: done, stoppedEarly: false }
  for (let epoch = epochsDone + 1; ; epoch++) {
    shuffle(order, shuffling)
    let lossSum = 0
    let correct = 0
    let reportLoss = 0
    let reportImages = 0
    let learningRate = settings.learningRate
    for (let start = 0; start < train.count; start += settings.batch) {
      // Between steps the event loop gets its turn: events leave, and a cancel comes in.
      await setImmediate()
      signal.throwIfAborted()
      const chosen = order.subarray(start, start + settings.batch)
      const images = new Float32Array(chosen.length * stride)
      const labels = new Int32Array(chosen.length)
      for (const [i, index] of chosen.entries()) {
        labels[i] = train.labels[index] ?? 0
        if (settings.augmentation === undefined) {
          normalizeImage(train, index, normalization, images, i * stride)
        } else {
          normalizeImage(train, index, normalization, plain, 0)
          augmentImage(plain, 0, images, i * stride, train.shape, settings.augmentation, bending)
        }
      }
      learningRate = learningRateAt(step, rate)
      const { labelSmoothing } = settings
      const result = trainStep({
        network,
        optimizer,
        images,
        labels,
        classCount,
        labelSmoothing,
        learningRate,
        training,
      })
      step++
      lossSum += result.lossSum
      correct += result.correct
      reportLoss += result.lossSum
      reportImages += labels.length
      if (step % reportEvery === 0) {
        options.onStep?.({ step, totalSteps, loss: reportLoss / reportImages, learningRate })
        reportLoss = 0
        reportImages = 0
      }
    }
    const validation = await evaluate(network, options.val, normalization, classCount, signal)
    const last: EpochReport = {
      epoch,
      loss: lossSum / train.count,
      accuracy: correct / train.count,
      validation,
      learningRate,
      isBest: best === undefined || isBetter(validation, best.validation),
    }
    if (best === undefined || last.isBest) best = last
    await options.onEpoch?.(last)
    const stoppedEarly = settings.patience > 0 && epoch - best.epoch >= settings.patience && epoch < settings.epochs
    if (epoch >= settings.epochs || stoppedEarly) return { last, best, stoppedEarly }
  }
}

function isBetter(a: Evaluation, b: Evaluation): boolean {
  return a.accuracy > b.accuracy || (a.accuracy === b.accuracy && a.loss < b.loss)
}
