import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { defineTrainer, runTrainer } from '@trainyard/sdk'
import type manifest from '../trainer.json'
import { readPixels } from './read-pixels.ts'
import { accuracyOf, createModel, fitSample, type Model, predict } from './softmax.ts'

await runTrainer(
  defineTrainer<typeof manifest>({
    async train(job) {
      const { epochs, learning_rate, imgsz } = job.config.basic
      const { classes, samples } = await job.dataset.samples()
      const read = (split: string) =>
        Promise.all(
          samples
            .filter((sample) => sample.split === split)
            .map(async ({ path, classId }) => ({ pixels: await readPixels(path, imgsz), classId })),
        )
      const [train, val] = await Promise.all([read('train'), read('val')])
      const names = classes.map(({ name }) => name)
      const model = createModel(names, imgsz)

      for (let epoch = 1; epoch <= epochs; epoch++) {
        let loss = 0
        for (const { pixels, classId } of train) loss += fitSample(model, pixels, classId, learning_rate) / train.length
        const top1_accuracy = accuracyOf(model, val.length > 0 ? val : train)
        job.progress({ epoch, metrics: { loss, top1_accuracy } })
        if (job.best('top1_accuracy', top1_accuracy)) {
          const file = join(job.workDir, 'best.json')
          await writeFile(file, JSON.stringify(model))
          await job.checkpoint('best', file, { epoch })
        }
        await setImmediate() // lets the event loop send events and receive a cancel
        job.signal.throwIfAborted()
      }
      return { metrics: { top1_accuracy: job.best.value } }
    },

    async predict(job) {
      const { path } = await job.inputs.checkpoint()
      const model = JSON.parse(await readFile(path, 'utf8')) as Model
      for (const image of await job.images()) {
        const scores = predict(model, await readPixels(image.path, model.side))
        const classId = scores.indexOf(Math.max(...scores))
        const className = model.names[classId] ?? ''
        job.predictions(image.name, [{ classId, className, confidence: scores[classId] ?? 0 }])
      }
    },
  }),
)
