import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFolderTrainerSource } from '../../trainers/folder-source.ts'
import type { TrainerSource } from '../../trainers/source.ts'

const DIR = fileURLToPath(new URL('../../../fixtures/chaos-trainer', import.meta.url))

/** The trainer of the chaos run: from its folder, or as a program on the command line of any image with Node. */
export function chaosTrainer(image: string | undefined, witnessUrl: string): TrainerSource {
  const folder = createFolderTrainerSource(DIR)
  const program =
    image === undefined ? ['train.mjs'] : ['--input-type=module', '-e', readFileSync(join(DIR, 'train.mjs'), 'utf8')]
  const argv = ['node', ...program, witnessUrl]
  return {
    ...folder,
    async resolve(reference) {
      const trainer = await folder.resolve(reference)
      const manifest = { ...trainer.manifest, entrypoints: { train: argv, predict: argv, export: argv } }
      if (image === undefined) return { ...trainer, manifest }
      return { ...trainer, manifest, image: { reference: image, digest: image.slice(image.indexOf('sha256:')) } }
    },
  }
}
