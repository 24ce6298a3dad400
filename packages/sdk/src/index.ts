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

export { defineTrainer, type TrainerDefinition } from './define-trainer.ts'
export * from './errors.ts'
export type * from './job.ts'
export { type RunTrainerOptions, runTrainer } from './run-trainer.ts'
