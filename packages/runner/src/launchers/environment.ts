import { dirname } from 'node:path'
import { BASIC_CONFIG_VARIABLES } from '@trainyard/contract'
import { textOf } from '@trainyard/contract/format'
import { attemptTraceparent } from '../span-ids.ts'
import type { LaunchRequest } from './launcher.ts'

/** Paths and limits as the trainer's process sees them. */
export interface EnvironmentOptions {
  workDir: string
  datasetCacheDir: string
  datasetCacheMaxGb: number
  /** Whether the runner fills the cache, and the trainer only reads it. */
  isCacheFilledByRunner: boolean
  tmpDir: string
  /** Holds the configuration when it is too long for a variable. */
  configFile: string
  /** Holds the job token. Undefined: the token is in the environment. */
  tokenFile?: string | undefined
  /** Folders of programs. Undefined: the image's own PATH. */
  path?: readonly string[] | undefined
}

/** PATH of trainers on the runner's machine: the Node that runs the runner, then the system's folders. */
export const MACHINE_PATH: readonly string[] = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin']
/** Linux limits a variable, including its name, to 128 KiB. */
const MAX_CONFIG_VARIABLE_BYTES = 64 * 1024

/**
 * The environment of a trainer: the variables of CONTRACT section 1 and those that every program needs, and none of the
 * runner's own. The caller writes `configText`, if there is one, to `configFile`.
 */
export function trainerEnvironment(
  request: LaunchRequest,
  options: EnvironmentOptions,
): { env: Record<string, string>; configText: string | undefined } {
  const { path, tokenFile, configFile } = options
  const { dataset } = request
  // Senders that were written for an earlier platform read the advanced settings under the second name.
  const config = JSON.stringify({ ...request.config, advanced_config: request.config.advanced })
  const isInFile = Buffer.byteLength(config) > MAX_CONFIG_VARIABLE_BYTES
  const env = present({
    PATH: path?.join(':'),
    HOME: options.workDir,
    TMPDIR: options.tmpDir,
    LANG: 'C.UTF-8',
    JOB_ID: String(request.jobId),
    JOB_ATTEMPT: String(request.attempt),
    OPERATION: request.operation,
    CALLBACK_URL: request.callbackUrl,
    CALLBACK_TOKEN: tokenFile === undefined ? request.token : undefined,
    CALLBACK_TOKEN_FILE: tokenFile,
    TRACE_ID: request.traceId,
    TRACEPARENT: attemptTraceparent(request),
    TASK_TYPE: request.taskType,
    FRAMEWORK: request.framework,
    MODEL_NAME: request.model,
    CONFIG: isInFile ? undefined : config,
    CONFIG_FILE: isInFile ? configFile : undefined,
    ...basicVariables(request.config.basic),
    DATASET_ID: dataset?.id,
    SNAPSHOT_ID: dataset?.snapshotId,
    DATASET_VERSION_HASH: dataset?.versionHash,
    DATASET_SPLIT_ID: dataset?.splitId,
    EXPORT_FORMAT: request.exportFormat,
    WORK_DIR: options.workDir,
    DATASET_CACHE_DIR: options.datasetCacheDir,
    DATASET_CACHE_MAX_GB: String(options.datasetCacheMaxGb),
    DATASET_CACHE_FILLED_BY: options.isCacheFilledByRunner ? 'platform' : undefined,
  })
  return { env, configText: isInFile ? config : undefined }
}

function basicVariables(basic: Readonly<Record<string, unknown>>): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [variable, setting] of Object.entries(BASIC_CONFIG_VARIABLES)) {
    const value = basic[setting]
    if (value !== undefined && value !== '') variables[variable] = textOf(value)
  }
  return variables
}

/** The variables that have a value. */
function present(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) env[name] = value
  return env
}
