/** A trainer for tests of the life cycle. `MODE` selects its behaviour. */
import { readFileSync } from 'node:fs'
import { ConfigError, defineTrainer, runTrainer } from '../index.ts'

const { MODE: mode = 'train', CLOSE_TIMEOUT_MS: closeTimeout } = process.env

await runTrainer(
  defineTrainer({
    allowNaN: mode === 'allow-nan',
    async train(job) {
      if (mode === 'dataset') await job.dataset.samples()
      if (mode === 'config') throw new ConfigError('Setting "width" is 3; expected an even number')
      if (mode === 'throw') throw new Error(`Cannot divide; see https://storage.example/x?signature=secret`)
      if (mode === 'wait') {
        job.log('waiting')
        await new Promise((resolve) => job.signal.addEventListener('abort', resolve, { once: true }))
        job.signal.throwIfAborted()
      }
      if (mode === 'killed') {
        job.log('waiting')
        await new Promise(() => {})
      }
      for (let epoch = 1; epoch <= job.config.basic.epochs; epoch++) {
        const loss = mode.endsWith('nan') && epoch === 2 ? Number.NaN : 1 / epoch
        try {
          job.progress({ epoch, metrics: { loss } })
        } catch (error) {
          if (mode !== 'swallow-nan') throw error
        }
        if (job.best('top1_accuracy', epoch / 10) && mode !== 'no-upload')
          await job.checkpoint('best', process.argv[1] ?? '', { epoch })
      }
      job.validation({ metrics: { top1_accuracy: 0.3, loss: 0.1 } })
      return { metrics: { top1_accuracy: job.best.value } }
    },
    async predict(job) {
      if (mode === 'batches') {
        for await (const images of job.batches())
          for (const { name, path } of images)
            job.predictions(name, [], { error: `${readFileSync(path, 'utf8')} is no picture` })
        return
      }
      for (const { name } of await job.images()) {
        job.predictions(name, [{ classId: 0, className: 'cat', confidence: 1 }], { inferenceTimeMs: 2 })
      }
    },
    async export(job) {
      const { path } = await job.inputs.checkpoint()
      await job.artifact('export', path, { name: `model.${job.exportFormat}` })
      return { metadata: { size: 1 } }
    },
  }),
  { closeTimeoutMs: closeTimeout === undefined ? undefined : Number(closeTimeout) },
)
