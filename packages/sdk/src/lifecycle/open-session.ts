import { EXIT_CODES, isTerminalEventType } from '@trainyard/contract'
import { ConfigError, JobStoppedError } from '@trainyard/contract/trainer-errors'
import { findManifest } from '../config/find-manifest.ts'
import { type Environment, readConnection, readEnvironment } from '../config/read-environment.ts'
import { resolveConfig } from '../config/resolve-config.ts'
import type { TrainerDefinition } from '../define-trainer.ts'
import type { JournalStop } from '../journal/journal-options.ts'
import { PlatformBackend } from '../platform/platform-backend.ts'
import type { OpenedSession, OpenSessionOptions } from '../session/opened-session.ts'
import { readExportFormat } from '../session/read-export-format.ts'
import { Session } from '../session/session.ts'
import type { JobSettings } from '../session/settings.ts'
import { printLine } from '../util/print-line.ts'
import { claimAttempt } from './claim-attempt.ts'

/** Reads the environment and connects to the platform, or opens a local run when the environment names none. */
export async function openSession(trainer: TrainerDefinition, options: OpenSessionOptions): Promise<OpenedSession> {
  const { env, argv, stop } = options
  const isLocal = env.CALLBACK_URL === undefined || env.CALLBACK_URL === ''
  if (isLocal && env.TRAINYARD_JOB_FILE !== undefined) {
    return refuse(
      'this program runs under `trainyard exec`, which reports for the job: write its events to TRAINYARD_EVENTS',
    )
  }
  try {
    if (!isLocal) return await openPlatformSession(trainer, env, stop)
    const { openLocalSession } = await import('../local/open-local-session.ts')
    return await openLocalSession(trainer, { env, argv, stop })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    printLine('error', `ConfigError: ${error.message}`, env.TRACE_ID)
    if (!isLocal) await reportUnusable(env, error)
    return { type: 'ended', exitCode: EXIT_CODES.unusableInput }
  }
}

async function openPlatformSession(
  trainer: TrainerDefinition,
  env: Environment,
  stop: AbortController,
): Promise<OpenedSession> {
  const environment = readEnvironment(env)
  const manifest = findManifest(trainer.manifest, process.argv[1])
  const settings: JobSettings = {
    id: environment.JOB_ID,
    attempt: environment.JOB_ATTEMPT,
    operation: environment.OPERATION,
    taskType: environment.TASK_TYPE,
    framework: environment.FRAMEWORK,
    model: environment.MODEL_NAME,
    traceId: environment.TRACE_ID,
    config: resolveConfig(env, manifest),
    workDir: environment.WORK_DIR,
    manifest,
    exportFormat: readExportFormat(environment.EXPORT_FORMAT, manifest, 'EXPORT_FORMAT'),
  }
  const isVerbose = env.LOG_LEVEL?.toLowerCase() === 'debug'
  const print = (level: Parameters<typeof printLine>[0], message: string) => {
    if (level !== 'debug' || isVerbose) printLine(level, message, settings.traceId)
  }
  const claim = await claimAttempt({ workDir: settings.workDir, attempt: settings.attempt })
  if (claim.type === 'refused') return refuse(`${claim.why}. Child processes and workers must not start it again`)
  const backend = new PlatformBackend({
    onClosed: claim.release,
    callbackUrl: environment.CALLBACK_URL,
    token: environment.CALLBACK_TOKEN,
    tokenFile: environment.CALLBACK_TOKEN_FILE,
    attempt: settings.attempt,
    workDir: settings.workDir,
    traceparent: environment.TRACEPARENT,
    dataset: {
      cacheDir: environment.DATASET_CACHE_DIR,
      filledBy: environment.DATASET_CACHE_FILLED_BY,
      maxBytes: environment.DATASET_CACHE_MAX_GB * 1e9,
      versionHash: environment.DATASET_VERSION_HASH,
      hasOwnSplits: environment.DATASET_SPLIT_ID !== undefined,
      withUnlabelled: environment.OPERATION === 'predict',
    },
    stop: stop.signal,
    onStop: (why) => stop.abort(toStopped(why)),
    onWarning: (message) => print('warning', message),
  })
  if (backend.terminal !== undefined && isTerminalEventType(backend.terminal)) {
    // An earlier process of this attempt ended but could not report it.
    print('info', `The attempt has already ended (${backend.terminal}); sending the rest of its journal`)
    const { delivered } = await backend.close({ timeoutMs: 120_000 })
    const codes = { completed: EXIT_CODES.done, failed: EXIT_CODES.trainingFailed, cancelled: EXIT_CODES.terminated }
    return { type: 'ended', exitCode: delivered ? codes[backend.terminal] : EXIT_CODES.platformUnreachable }
  }
  const session = new Session({ settings, backend, stop, allowNaN: trainer.allowNaN ?? false, print })
  return { type: 'ready', session }
}

/** Without the trace id: the runner would take the line for one that the journal has too. */
function refuse(why: string): OpenedSession {
  printLine('error', `This process does not run the job: ${why}`)
  return { type: 'ended', exitCode: EXIT_CODES.unusableInput }
}

function toStopped(stop: JournalStop): JobStoppedError {
  if (stop.kind === 'asked') return new JobStoppedError(stop.reason)
  return new JobStoppedError(stop.code === 'attempt_superseded' ? 'superseded' : 'refused')
}

/** Reports to the platform why the job cannot start, if the environment is valid enough to connect. */
async function reportUnusable(env: Environment, error: ConfigError): Promise<void> {
  try {
    const { CALLBACK_URL, CALLBACK_TOKEN, CALLBACK_TOKEN_FILE, JOB_ATTEMPT, WORK_DIR } = readConnection(env)
    const claim = await claimAttempt({ workDir: WORK_DIR, attempt: JOB_ATTEMPT })
    if (claim.type === 'refused') return
    const backend = new PlatformBackend({
      callbackUrl: CALLBACK_URL,
      token: CALLBACK_TOKEN,
      tokenFile: CALLBACK_TOKEN_FILE,
      attempt: JOB_ATTEMPT,
      workDir: WORK_DIR,
      onClosed: claim.release,
      onStop: () => {},
      onWarning: () => {},
    })
    backend.append({
      type: 'failed',
      errorType: 'ConfigError',
      message: backend.redact(error.message),
      retryable: false,
    })
    await backend.close({ timeoutMs: 15_000 })
  } catch {
    // Standard output and the exit code report the error too.
  }
}
