import { createFolderTrainerSource } from '../trainers/folder-source.ts'
import type { TrainerSource } from '../trainers/source.ts'
import { PLAIN_TRAINER_DIR } from './harness.ts'

/** The plain trainer with an entry point that predicts pictures. */
export function predictingSource(): TrainerSource {
  const source = createFolderTrainerSource(PLAIN_TRAINER_DIR)
  return {
    ...source,
    async resolve(reference) {
      const resolved = await source.resolve(reference)
      const { manifest } = resolved
      const entrypoints = { ...manifest.entrypoints, predict: ['node', 'predict.mjs'] }
      return { ...resolved, manifest: { ...manifest, entrypoints } }
    },
  }
}
