import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFolderTrainerSource } from '../../trainers/folder-source.ts'
import type { TrainerSource } from '../../trainers/source.ts'

const DIR = fileURLToPath(new URL('../../../fixtures/chaos-trainer', import.meta.url))

/** The trainer of chaos: from its folder, or as a program in the arguments of any image that holds Node. */
export function chaosTrainer(image: string | undefined, witnessUrl: string): TrainerSource {
  const folder = createFolderTrainerSource(DIR)
  const program =
    image === undefined ? ['train.mjs'] : ['--input-type=module', '-e', readFileSync(join(DIR, 'train.mjs'), 'utf8')]
  const argv = ['node', ...program, witnessUrl]
  return {
    ...folder,
    async resolve(reference) {
      const trainer = await folder.resolve(reference)
      return {
        ...trainer,
        ...(image === undefined ? {} : { image: { reference: image, digest: image.slice(image.indexOf('sha256:')) } }),
        manifest: { ...trainer.manifest, entrypoints: { train: argv, predict: argv, export: argv } },
      }
    },
  }
}
