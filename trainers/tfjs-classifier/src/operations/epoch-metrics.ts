import type { EpochReport } from '../training/train-network.ts'

/** An epoch's metrics under the names of the field. */
export function epochMetrics(report: EpochReport, classCount: number): Record<string, number> {
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
