import { TrainyardError } from '@trainyard/platform'
import type { TrainerSource } from './source.ts'

const detail = 'No registry is configured: set REGISTRY_URL'

/** The source without a registry: fails to resolve every trainer. */
export const unconfiguredTrainerSource: TrainerSource = {
  async resolve() {
    throw new TrainyardError('unprocessable', detail)
  },
  async fetchBundle() {
    throw new TrainyardError('unprocessable', detail)
  },
}
