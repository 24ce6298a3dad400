import type { TrainJob, TrainOutcome } from '@trainyard/sdk'
import { classMetrics } from '../training/class-metrics.ts'
import { type Evaluation, evaluate } from '../training/evaluate.ts'
import type { TrainNetworkResult } from '../training/train-network.ts'
import { epochMetrics } from './epoch-metrics.ts'
import type { Training } from './open-training.ts'

/** Reports how good the best weights are, which the network must hold by now, on images never trained on. */
export async function judge(job: TrainJob, training: Training, result: TrainNetworkResult): Promise<TrainOutcome> {
  const { classes, network, normalization, test } = training
  const { best, last } = result
  const val = best.validation
  const epoch = best.epoch
  job.validation({
    epoch,
    split: 'val',
    primary: { name: 'top1_accuracy', value: val.accuracy, goal: 'maximize' },
    metrics: { val_accuracy: val.accuracy, val_loss: val.loss },
    ...byClass(classes, val),
  })
  const metrics = {
    ...epochMetrics(best, classes.length),
    // How training itself ended; the rest is about the best epoch.
    loss: last.loss,
    accuracy: last.accuracy,
    learning_rate: last.learningRate,
  }
  if (test.count === 0) return { metrics, bestEpoch: epoch }

  const tested = await evaluate(network, test, normalization, classes.length, job.signal)
  const testMetrics = { test_accuracy: tested.accuracy, test_loss: tested.loss }
  job.validation({
    epoch,
    split: 'test',
    // Under a name of its own: it is no further point of the validation's curve.
    primary: { name: 'test_accuracy', value: tested.accuracy, goal: 'maximize' },
    metrics: testMetrics,
    ...byClass(classes, tested),
  })
  job.log.info(`Test accuracy ${(tested.accuracy * 100).toFixed(1)} % with the weights of epoch ${epoch}`)
  return { metrics: { ...metrics, ...testMetrics }, bestEpoch: epoch }
}

function byClass(classes: string[], { confusion }: Evaluation) {
  const perClass = classMetrics(classes, confusion)
  // The contract takes matrices of up to 1,000 classes.
  return classes.length > 1000 ? { perClass } : { perClass, confusionMatrix: { classes, counts: confusion } }
}
