import { trainerEnvironment } from './environment.ts'
import type { LaunchRequest } from './launcher.ts'

/** Paths in a trainer's container. They are the same for every launcher of images. */
export const CONTAINER_PATHS = {
  /** Writable, used by this attempt only. */
  workDir: '/trainyard/work',
  /** Readable by the trainer's user only. */
  tokenFile: '/trainyard/secret/token',
  configFile: '/trainyard/secret/config.json',
} as const

export interface ContainerEnvironmentOptions {
  datasetCacheDir: string
  datasetCacheMaxGb: number
  isCacheFilledByRunner: boolean
  /** Default: `/tmp`. */
  tmpDir?: string | undefined
}

/** The {@link trainerEnvironment} of a container. The token is in a file, because engines show the environment to all users. */
export function containerEnvironment(
  request: LaunchRequest,
  { tmpDir = '/tmp', ...cache }: ContainerEnvironmentOptions,
): { env: Record<string, string>; configText: string | undefined } {
  const { env, configText } = trainerEnvironment(request, { ...CONTAINER_PATHS, ...cache, tmpDir })
  // The image's passwd has no entry for the numeric user. Programs that look up their user name fail without these.
  env.USER = 'trainer'
  env.LOGNAME = 'trainer'
  return { env, configText }
}
