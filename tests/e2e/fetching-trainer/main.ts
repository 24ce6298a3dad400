/** Fetches its dataset as each of `formats`, reads it back, and writes what it found to the file `out`. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import type { TargetFormat } from '@trainyard/contract'
import { openDataset } from '@trainyard/datasets'
import { defineTrainer, runTrainer } from '@trainyard/sdk'

await runTrainer(
  defineTrainer({
    async train(job) {
      const { formats, out } = job.config.basic as unknown as { formats: string; out: string }
      const found: Record<string, unknown> = {}
      for (const as of formats.split(',') as TargetFormat[]) {
        const { dir, classes, splits, counts } = await job.dataset.fetch({ as })
        const reader = await openDataset(dir, { format: as, task: job.taskType })
        const images: unknown[] = []
        for await (const { file = '', split, width, height, annotations } of reader.images()) {
          const sha256 = createHash('sha256')
            .update(await readFile(file))
            .digest('hex')
          images.push({ sha256, split, width, height, annotations })
        }
        await reader.close?.()
        found[as] = { told: { classes, splits, counts }, classes: reader.classes.map(({ name }) => name), images }
      }
      await writeFile(out, JSON.stringify(found))
      return {}
    },
  }),
)
