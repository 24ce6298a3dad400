import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { JobStoppedError, type Sample, type TrainJob, type TrainOutcome } from '@trainyard/sdk'
import {
  assignWeights,
  type Checkpoint,
  type CheckpointInfo,
  loadCheckpoint,
  readWeights,
  saveCheckpoint,
} from '../checkpoints/checkpoint.ts'
import { type ImageSet, loadImages } from '../data/load-images.ts'
import { measureNormalization } from '../data/normalization.ts'
import { splitSamples } from '../data/split-samples.ts'
import { buildNetwork } from '../models/build-network.ts'
import type { Network } from '../models/network.ts'
import { createRandom } from '../random.ts'
import { chooseModel, parseSettings } from '../settings.ts'
import { startBackend } from '../tensors/start-backend.ts'
import { classMetrics } from '../training/class-metrics.ts'
import { evaluate } from '../training/evaluate.ts'
import { type EpochReport, trainNetwork } from '../training/train-network.ts'

/** Reads the dataset, trains, keeps the best and the last checkpoint, and tests the best on images never seen. */
export async function train(job: TrainJob): Promise<TrainOutcome> {
  const settings = parseSettings(job.config)
  job.progress({ epoch: 0, totalEpochs: settings.epochs, phase: 'fetch' })
  const index = await job.dataset.samples()
  const splits = splitSamples(index)
  if (splits.unlabelled > 0) job.log.warning(`${splits.unlabelled} images have no class and are left out`)
  if (splits.valFrom !== 'val') {
    job.log.warning(
      splits.valFrom === 'train'
        ? 'The dataset has no validation images and few others: validating on the training images'
        : `The dataset has no validation images: ${splits.val.length} training images are held out`,
    )
  }
  const classes = index.classes.map((each) => each.name)
  const spec = chooseModel(job.model, settings, classes.length)
  const classIndex = new Map(index.classes.map((each, position) => [each.id, position]))
  const load = (samples: readonly Sample[]): Promise<ImageSet> =>
    loadImages(samples, { shape: spec, classIndex, signal: job.signal })

  job.progress({ epoch: 0, totalEpochs: settings.epochs, phase: 'load' })
  await startBackend()
  const train = await load(splits.train)
  const val = splits.val === splits.train ? train : await load(splits.val)
  const test = await load(splits.test)
  const network = buildNetwork(spec, createRandom(settings.seed, 'weights'))
  let normalization = measureNormalization(train)
  const start = await job.inputs.findCheckpoint()
  if (start !== undefined) {
    const checkpoint = await loadCheckpoint(start.path)
    assignWeights(network, checkpoint.weights)
    normalization = checkpoint.info.normalization
    job.log.info(`Starting from ${start.name}, epoch ${checkpoint.info.epoch}`)
  }
  const parameters = [...network.weights.values()].reduce((sum, weight) => sum + weight.size, 0)
  job.log.info(
    `${spec.model} with ${parameters} weights; ${train.count} images to train, ${val.count} to validate, ${test.count} to test`,
  )

  const capture = (report: EpochReport | undefined): Checkpoint => {
    const info: CheckpointInfo = {
      formatVersion: 1,
      spec,
      classes,
      normalization,
      seed: settings.seed,
      epoch: report?.epoch ?? 0,
      metrics: report === undefined ? {} : epochMetrics(report, classes.length),
    }
    return { info, weights: readWeights(network) }
  }
  const upload = async (name: 'best' | 'last', checkpoint: Checkpoint): Promise<void> => {
    const file = join(job.workDir, `${name}.safetensors`)
    await saveCheckpoint(file, checkpoint)
    await job.checkpoint(name, file, { epoch: checkpoint.info.epoch, metrics: checkpoint.info.metrics })
  }

  let best: Checkpoint | undefined
  let finished: EpochReport | undefined
  try {
    const result = await trainNetwork({
      network,
      train,
      val,
      normalization,
      classCount: classes.length,
      settings,
      signal: job.signal,
      onStep: ({ step, totalSteps, loss }) =>
        job.progress({ step, totalSteps, phase: 'train', metrics: { batch_loss: loss } }),
      async onEpoch(report) {
        finished = report
        job.progress({
          epoch: report.epoch,
          totalEpochs: settings.epochs,
          phase: 'train',
          metrics: epochMetrics(report, classes.length),
        })
        if (!report.isBest) return
        job.best('top1_accuracy', report.validation.accuracy)
        best = capture(report)
        await upload('best', best)
      },
    })
    if (result.stoppedEarly) {
      job.log.event(
        'early-stop',
        `No better validation for ${settings.patience} epochs: stopped after ${result.last.epoch}`,
      )
    }
    await upload('last', capture(result.last))
    return await finish(job, network, best ?? capture(result.best), { val, test }, result.last, result.best)
  } catch (error) {
    if (error instanceof JobStoppedError) await keepLast(() => upload('last', capture(finished)), job)
    throw error
  } finally {
    network.dispose()
  }
}

/** A cancelled job leaves what it has, if the platform still takes it; the cancel goes on either way. */
async function keepLast(upload: () => Promise<void>, job: TrainJob): Promise<void> {
  try {
    await upload()
  } catch (error) {
    job.log.warning(`The last checkpoint could not be kept: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Judges the best checkpoint and sums up. */
async function finish(
  job: TrainJob,
  network: Network,
  best: Checkpoint,
  sets: { val: ImageSet; test: ImageSet },
  last: EpochReport,
  bestReport: EpochReport,
): Promise<TrainOutcome> {
  const { classes, normalization } = best.info
  assignWeights(network, best.weights)
  const metrics: Record<string, number> = {
    ...epochMetrics(bestReport, classes.length),
    loss: last.loss,
    accuracy: last.accuracy,
    learning_rate: last.learningRate,
  }
  const primary = (value: number) => ({ name: 'top1_accuracy', value, goal: 'maximize' as const })
  const val = bestReport.validation
  job.validation({
    epoch: bestReport.epoch,
    split: 'val',
    primary: primary(val.accuracy),
    metrics: { top1_accuracy: val.accuracy, val_accuracy: val.accuracy, val_loss: val.loss },
    perClass: classMetrics(classes, val.confusion),
    ...confusionMatrix(classes, val.confusion),
  })
  if (sets.test.count > 0) {
    await setImmediate()
    const test = await evaluate(network, sets.test, normalization, classes.length, job.signal)
    metrics.test_accuracy = test.accuracy
    metrics.test_loss = test.loss
    job.validation({
      epoch: bestReport.epoch,
      split: 'test',
      primary: primary(test.accuracy),
      metrics: { test_accuracy: test.accuracy, test_loss: test.loss },
      perClass: classMetrics(classes, test.confusion),
      ...confusionMatrix(classes, test.confusion),
    })
    job.log.info(`Test accuracy ${(test.accuracy * 100).toFixed(1)} % with the weights of epoch ${bestReport.epoch}`)
  }
  return { metrics, bestEpoch: bestReport.epoch }
}

function epochMetrics(report: EpochReport, classCount: number): Record<string, number> {
  return {
    loss: report.loss,
    val_loss: report.validation.loss,
    accuracy: report.accuracy,
    val_accuracy: report.validation.accuracy,
    top1_accuracy: report.validation.accuracy,
    // With five classes or fewer it would always be 1.
    ...(classCount > 5 && { top5_accuracy: report.validation.top5Accuracy }),
    learning_rate: report.learningRate,
  }
}

/** The contract takes matrices of up to 1,000 classes. */
function confusionMatrix(classes: string[], counts: number[][]) {
  return classes.length > 1000 ? {} : { confusionMatrix: { classes, counts } }
}
