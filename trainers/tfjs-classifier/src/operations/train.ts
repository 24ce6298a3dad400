import { join } from 'node:path'
import { JobStoppedError, type TrainJob, type TrainOutcome } from '@trainyard/sdk'
import { assignWeights, type Checkpoint, readWeights, saveCheckpoint } from '../checkpoints/checkpoint.ts'
import { parseSettings, type Settings } from '../settings.ts'
import { type EpochReport, trainNetwork } from '../training/train-network.ts'
import { epochMetrics } from './epoch-metrics.ts'
import { judge } from './judge.ts'
import { openTraining, type Training } from './open-training.ts'

/** How often the last checkpoint is saved while training, at most. */
const LAST_SAVES = 10

/** Trains, keeps the best and the last checkpoint, and tests the best on images never seen. */
export async function train(job: TrainJob): Promise<TrainOutcome> {
  const settings = parseSettings(job.config)
  const training = await openTraining(job, settings)
  const { network, classes } = training
  const capture = (report?: EpochReport): Checkpoint => captureCheckpoint(training, settings, report)
  let finished = training.done
  let best = finished && capture(finished)
  const saveEvery = Math.ceil(settings.epochs / LAST_SAVES)
  try {
    const result = await trainNetwork({
      ...training,
      classCount: classes.length,
      settings,
      signal: job.signal,
      onStep: ({ step, totalSteps, loss }) =>
        job.progress({ step, totalSteps, phase: 'train', metrics: { batch_loss: loss } }),
      async onEpoch(report) {
        finished = report
        const metrics = epochMetrics(report, classes.length)
        job.progress({ epoch: report.epoch, totalEpochs: settings.epochs, phase: 'train', metrics })
        const now = capture(report)
        if (report.isBest) {
          best = now
          await upload(job, 'best', best)
        }
        // What another attempt goes on from. The very last one is saved at the end in any case.
        if (report.epoch % saveEvery === 0 && report.epoch < settings.epochs) await upload(job, 'last', now)
      },
    })
    if (result.stoppedEarly) {
      const { patience } = settings
      job.log.event('early-stop', `No better validation for ${patience} epochs: stopped after ${result.last.epoch}`)
    }
    await upload(job, 'last', capture(result.last))
    if (best !== undefined) assignWeights(network, best.weights)
    return await judge(job, training, result)
  } catch (error) {
    if (error instanceof JobStoppedError) await keepLast(job, capture(finished))
    throw error
  } finally {
    network.dispose()
  }
}

function captureCheckpoint(training: Training, settings: Settings, report: EpochReport | undefined): Checkpoint {
  const { spec, classes, normalization, network } = training
  return {
    info: {
      formatVersion: 1,
      spec,
      classes,
      normalization,
      seed: settings.seed,
      epoch: report?.epoch ?? 0,
      metrics: report === undefined ? {} : epochMetrics(report, classes.length),
    },
    weights: readWeights(network),
  }
}

async function upload(job: TrainJob, name: 'best' | 'last', checkpoint: Checkpoint): Promise<void> {
  const file = join(job.workDir, `${name}.safetensors`)
  await saveCheckpoint(file, checkpoint)
  await job.checkpoint(name, file, { epoch: checkpoint.info.epoch, metrics: checkpoint.info.metrics })
}

/** A stopped job leaves what it has, if the platform still takes it; the stop goes on either way. */
async function keepLast(job: TrainJob, checkpoint: Checkpoint): Promise<void> {
  try {
    await upload(job, 'last', checkpoint)
  } catch (error) {
    job.log.warning(`The last checkpoint could not be kept: ${error instanceof Error ? error.message : String(error)}`)
  }
}
