import { TrainyardError } from '@trainyard/platform'
import type { TrainerSource } from './source.ts'

const detail = 'This runner knows no registry: set REGISTRY_URL'

/** Stands in when no registry is configured: everything else still works. */
export const unconfiguredTrainerSource: TrainerSource = {
  async resolve() {
    throw new TrainyardError('unprocessable', detail)
  },
  async fetchBundle() {
    throw new TrainyardError('unprocessable', detail)
  },
}
