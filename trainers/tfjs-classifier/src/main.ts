import { defineTrainer, runTrainer } from '@trainyard/sdk'

// TensorFlow.js is loaded by the handlers, so that "started" does not wait for it.
await runTrainer(
  defineTrainer({
    async train(job) {
      const { train } = await import('./operations/train.ts')
      return train(job)
    },
    async predict(job) {
      const { predict } = await import('./operations/predict.ts')
      return predict(job)
    },
    async export(job) {
      const { exportModel } = await import('./operations/export.ts')
      return exportModel(job)
    },
  }),
)
