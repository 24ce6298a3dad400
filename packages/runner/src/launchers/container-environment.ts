import { trainerEnvironment } from './environment.ts'
import type { LaunchRequest } from './launcher.ts'

/** Where a trainer finds its things in a container, whatever runs it. */
export const CONTAINER_PLACES = {
  /** Writable, of this attempt alone. */
  workDir: '/trainyard/work',
  /** Read by the trainer's user alone. */
  tokenFile: '/trainyard/secret/token',
  configFile: '/trainyard/secret/config.json',
} as const

export interface ContainerEnvironmentOptions {
  datasetCacheDir: string
  datasetCacheMaxGb: number
  isCacheShown: boolean
  /** Default: `/tmp`. */
  tmpDir?: string
}

/** {@link trainerEnvironment} for a container: the token in a file, because engines show the environment to whoever asks. */
export function containerEnvironment(
  request: LaunchRequest,
  { tmpDir = '/tmp', ...cache }: ContainerEnvironmentOptions,
): { env: Record<string, string>; configText?: string } {
  const places = { ...CONTAINER_PLACES, ...cache, tmpDir }
  const { env, ...rest } = trainerEnvironment(request, places)
  // The user is a number that the image's passwd does not know, and programs that ask for its name fail without these.
  return { env: { ...env, USER: 'trainer', LOGNAME: 'trainer' }, ...rest }
}
