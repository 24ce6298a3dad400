import type { Sample, TrainJob } from '@trainyard/sdk'
import { assignWeights, loadCheckpoint } from '../checkpoints/checkpoint.ts'
import { type ImageSet, loadImages } from '../data/load-images.ts'
import { measureNormalization, type Normalization } from '../data/normalization.ts'
import { type SplitSamples, splitSamples } from '../data/split-samples.ts'
import { buildNetwork } from '../models/build-network.ts'
import type { Network } from '../models/network.ts'
import type { ModelSpec } from '../models/spec.ts'
import { createRandom } from '../random.ts'
import { chooseModel, type Settings } from '../settings.ts'
import { startBackend } from '../tensors/start-backend.ts'
import { evaluate } from '../training/evaluate.ts'
import type { EpochReport } from '../training/train-network.ts'

/** Everything that training needs, in memory. */
export interface Training {
  spec: ModelSpec
  /** Class names, in the order of the outputs. */
  classes: string[]
  normalization: Normalization
  train: ImageSet
  val: ImageSet
  /** May hold no image. */
  test: ImageSet
  network: Network
  /** There when an earlier attempt of this job trained the network: how far. */
  done?: EpochReport
}

/** Reads the dataset and builds the network, from a checkpoint where the job was given one. */
export async function openTraining(job: TrainJob, settings: Settings): Promise<Training> {
  job.progress({ totalEpochs: settings.epochs, phase: 'fetch' })
  const index = await job.dataset.samples()
  const splits = splitSamples(index)
  warnOfGaps(job, splits)
  const classes = index.classes.map((each) => each.name)
  const spec = chooseModel(job.model, settings, classes.length)

  job.progress({ totalEpochs: settings.epochs, phase: 'load' })
  const classIndex = new Map(index.classes.map((each, position) => [each.id, position]))
  const load = (samples: readonly Sample[]): Promise<ImageSet> =>
    loadImages(samples, { shape: spec, classIndex, signal: job.signal })
  const train = await load(splits.train)
  const val = splits.val === splits.train ? train : await load(splits.val)
  const test = await load(splits.test)

  await startBackend()
  const network = buildNetwork(spec, createRandom(settings.seed, 'weights'))
  const training: Training = { spec, classes, normalization: measureNormalization(train), train, val, test, network }
  await startFromCheckpoint(job, training, settings)
  const parameters = [...network.weights.values()].reduce((sum, weight) => sum + weight.size, 0)
  job.log.info(
    `${spec.model} with ${parameters} weights; ${train.count} images to train, ${val.count} to validate, ${test.count} to test`,
  )
  return training
}

/** Starts from the job's checkpoint; pictures must then be normalised as its weights are used to. */
async function startFromCheckpoint(job: TrainJob, training: Training, settings: Settings): Promise<void> {
  const file = await job.inputs.findCheckpoint()
  if (file === undefined) return
  const { info, weights } = await loadCheckpoint(file.path)
  const { network, classes, val } = training
  assignWeights(network, weights)
  training.normalization = info.normalization
  const epoch = file.resume?.epoch ?? info.epoch
  if (file.resume === undefined || epoch === 0) {
    job.log.info(`Starting from ${file.name}, epoch ${info.epoch}`)
    return
  }
  // What later epochs have to be better than.
  const validation = await evaluate(network, val, info.normalization, classes.length, job.signal)
  const { loss = validation.loss, accuracy = validation.accuracy, learning_rate: learningRate } = info.metrics
  training.done = {
    epoch,
    loss,
    accuracy,
    validation,
    learningRate: learningRate ?? settings.learningRate,
    isBest: true,
  }
  job.log.info(
    `Going on behind epoch ${epoch} of ${settings.epochs}, from ${file.name} of attempt ${file.resume.attempt}`,
  )
}

function warnOfGaps(job: TrainJob, splits: SplitSamples): void {
  if (splits.unlabelled > 0) job.log.warning(`${splits.unlabelled} images have no class and are left out`)
  if (splits.valFrom === 'train') {
    job.log.warning('The dataset has no validation images and few others: validating on the training images')
  } else if (splits.valFrom === 'part-of-train') {
    job.log.warning(`The dataset has no validation images: ${splits.val.length} training images are held out`)
  }
}
