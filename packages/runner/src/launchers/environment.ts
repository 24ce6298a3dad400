import { dirname } from 'node:path'
import { BASIC_CONFIG_VARIABLES } from '@trainyard/contract'
import { attemptTraceparent } from '../span-ids.ts'
import type { LaunchRequest } from './launcher.ts'

/** Folders and limits as the trainer's process sees them. */
export interface EnvironmentPlaces {
  workDir: string
  datasetCacheDir: string
  datasetCacheMaxGb: number
  /** Whether the runner fills it, and the trainer only reads. */
  isCacheShown: boolean
  tmpDir: string
  /** Where the settings are written when they are too long for a variable. */
  configFile: string
  /** Where the job token is written, when it is not to stand in the environment. */
  tokenFile?: string
  /** Folders of programs; an image brings its own. */
  path?: readonly string[]
}

/** For trainers that run on the runner's machine: node in the version that runs us, python and shells where systems keep them. */
export const MACHINE_PATH: readonly string[] = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin']
/** Linux takes 128 KiB for one variable, with its name. */
const MAX_CONFIG_VARIABLE_BYTES = 64 * 1024

/**
 * The environment of a trainer: CONTRACT section 1 and what any program needs, and nothing of ours. `configText` is to be
 * written to `configFile` when it is there.
 */
export function trainerEnvironment(
  request: LaunchRequest,
  places: EnvironmentPlaces,
): { env: Record<string, string>; configText?: string } {
  const config = JSON.stringify(request.config)
  const inFile = Buffer.byteLength(config) > MAX_CONFIG_VARIABLE_BYTES
  const { dataset } = request
  const { path, tokenFile } = places
  const env = {
    ...(path === undefined ? {} : { PATH: path.join(':') }),
    HOME: places.workDir,
    TMPDIR: places.tmpDir,
    LANG: 'C.UTF-8',
    JOB_ID: String(request.jobId),
    JOB_ATTEMPT: String(request.attempt),
    OPERATION: request.operation,
    CALLBACK_URL: request.callbackUrl,
    ...(tokenFile === undefined ? { CALLBACK_TOKEN: request.token } : { CALLBACK_TOKEN_FILE: tokenFile }),
    TRACE_ID: request.traceId,
    TRACEPARENT: attemptTraceparent(request.traceId, request.attempt),
    TASK_TYPE: request.taskType,
    FRAMEWORK: request.framework,
    MODEL_NAME: request.model,
    ...(inFile ? { CONFIG_FILE: places.configFile } : { CONFIG: config }),
    ...basicVariables(request.config.basic),
    ...(dataset === undefined
      ? {}
      : { DATASET_ID: dataset.id, SNAPSHOT_ID: dataset.snapshotId, DATASET_VERSION_HASH: dataset.versionHash }),
    ...(dataset?.splitId === undefined ? {} : { DATASET_SPLIT_ID: dataset.splitId }),
    ...(request.exportFormat === undefined ? {} : { EXPORT_FORMAT: request.exportFormat }),
    WORK_DIR: places.workDir,
    DATASET_CACHE_DIR: places.datasetCacheDir,
    DATASET_CACHE_MAX_GB: String(places.datasetCacheMaxGb),
    ...(places.isCacheShown ? { DATASET_CACHE_FILLED_BY: 'platform' } : {}),
  }
  return inFile ? { env, configText: config } : { env }
}

function basicVariables(basic: Readonly<Record<string, unknown>>): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [variable, setting] of Object.entries(BASIC_CONFIG_VARIABLES)) {
    const value = basic[setting]
    if (value !== undefined && value !== '') variables[variable] = String(value)
  }
  return variables
}
