import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFolderTrainerSource } from '../../trainers/folder-source.ts'
import type { TrainerSource } from '../../trainers/source.ts'

const DIR = fileURLToPath(new URL('../../../fixtures/chaos-trainer', import.meta.url))

/** The trainer of chaos: from its folder, or as a program in the arguments of any image that holds Node. */
export function chaosTrainer(image: string | undefined): TrainerSource {
  const folder = createFolderTrainerSource(DIR)
  if (image === undefined) return folder
  const argv = ['node', '--input-type=module', '-e', readFileSync(join(DIR, 'train.mjs'), 'utf8')]
  const digest = image.slice(image.indexOf('sha256:'))
  return {
    ...folder,
    async resolve(reference) {
      const trainer = await folder.resolve(reference)
      return {
        ...trainer,
        image: { reference: image, digest },
        manifest: { ...trainer.manifest, entrypoints: { train: argv, predict: argv, export: argv } },
      }
    },
  }
}
