/**
 * What a trainer imports.
 *
 * ```ts
 * import { defineTrainer, runTrainer } from '@trainyard/sdk'
 *
 * await runTrainer(
 *   defineTrainer({
 *     async train(job) {
 *       const { samples } = await job.dataset.samples()
 *       for (let epoch = 1; epoch <= job.config.basic.epochs; epoch++) {
 *         const { loss, accuracy } = await trainOneEpoch(samples, job.signal)
 *         job.progress({ epoch, metrics: { loss, top1_accuracy: accuracy } })
 *         if (job.best('top1_accuracy', accuracy)) await job.checkpoint('best', 'best.bin', { epoch })
 *       }
 *       return { metrics: { top1_accuracy: job.best.value } }
 *     },
 *   }),
 * )
 * ```
 *
 * @module
 */

export * from '@trainyard/contract/trainer-errors'
export {
  type CleanDatasetCacheOptions,
  type CleanedDatasetCache,
  cleanDatasetCache,
} from './calls/clean-dataset-cache.ts'
export { getAdvancedConfig, getBasicConfig, getFullConfig } from './calls/config.ts'
export { convertDataset, createDataYaml, splitDataset, validateDataset } from './calls/dataset.ts'
export { reportStarted, type StartedJob } from './calls/default-session.ts'
export { createExportMetadata, type ExportMetadataOptions } from './calls/export-metadata.ts'
export { flushLogs, log, logDebug, logError, logEvent, logInfo, logWarning } from './calls/log.ts'
export {
  reportCompleted,
  reportExportCompleted,
  reportFailed,
  reportInferenceCompleted,
  reportPrediction,
  reportProgress,
  reportValidation,
} from './calls/report.ts'
export { downloadCheckpoint, downloadDataset, uploadCheckpoint, uploadFile } from './calls/storage.ts'
export { defineTrainer, type TrainerDefinition } from './define-trainer.ts'
export type * from './job.ts'
export type { ConfigOf, ResolvedBasicConfig, ResolvedConfig } from './job-config.ts'
export { type RunTrainerOptions, runTrainer } from './run-trainer.ts'
