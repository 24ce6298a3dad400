import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Logger, programBeside } from '@trainyard/platform'
import type { CheckSandbox } from '../config.ts'
import { killStrays } from './kill-strays.ts'
import type { ValidateFunction, ValidateOptions } from './validate.ts'
import { ValidationWorker } from './validation-worker.ts'

export interface ForkValidateOptions {
  logger: Logger
  /** The PostgreSQL server in which the compliance run creates a temporary schema. */
  databaseUrl: string
  /** A worker that takes longer is killed together with its child processes. */
  timeoutMs: number
  /** A worker that uses more memory, with its child processes, is killed. Default: no limit. */
  memoryBytes?: number | undefined
  /** What the preparation of a Python environment may take in addition. Default: 0. */
  environmentMs?: number | undefined
  /** Default: `auto`, the best that this machine supports. */
  sandbox?: CheckSandbox | undefined
  /** Folders that are hidden from trainers, because they hold other people's bundles and secrets. */
  hiddenDirs?: readonly string[] | undefined
  /** Folders that trainers may read in addition to the system's. */
  readPaths?: readonly string[] | undefined
  /** Whether trainers are run where no sandbox can be used. Default: false. */
  allowUnsandboxed?: boolean | undefined
  /** How long a worker may take to clean up after it was asked to stop. Default 10 000. */
  graceMs?: number | undefined
  /** The program of the worker. Default: `worker` next to this file. */
  workerUrl?: URL | undefined
}

const MAX_TRIES = 2

/** How often the memory of a worker is read. */
const MEMORY_EVERY_MS = 500

/** Validates in a forked process: a trainer that crashes the validator does not crash the registry. */
export function createForkValidate(options: ForkValidateOptions): ValidateFunction {
  const {
    logger,
    databaseUrl,
    timeoutMs,
    memoryBytes,
    environmentMs = 0,
    sandbox: choice = 'auto',
    hiddenDirs = [],
    readPaths = [],
    allowUnsandboxed = false,
    graceMs = 10_000,
    workerUrl = programBeside(import.meta.url, 'worker'),
  } = options
  return async (request) => {
    for (let tries = 1; ; tries++) {
      const outcome = await validateOnce(request)
      if (outcome.type === 'report') return outcome.report
      // A trainer that makes the kernel kill its worker must not be started without end.
      if (tries === MAX_TRIES) throw new Error(`${outcome.reason}, ${tries} times`)
      logger.warn({ reason: outcome.reason }, 'the worker of a check was killed; starting another one')
    }
  }

  async function validateOnce(request: ValidateOptions) {
    // Each worker has its own folder. Files and processes that a killed worker leaves behind are found by it.
    const temporaryDir = await realpath(await mkdtemp(join(tmpdir(), 'trainyard-check-')))
    // Where trainers have users of their own, these enter the folders in it that they know.
    await chmod(temporaryDir, 0o711)
    try {
      return await validateIn(temporaryDir, request)
    } finally {
      await killStrays(temporaryDir)
      await rm(temporaryDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch((error: unknown) =>
        logger.warn({ err: error, dir: temporaryDir }, 'temporary files of a check could not be deleted'),
      )
    }
  }

  async function validateIn(temporaryDir: string, { dir, image, phases, signal, onCheck }: ValidateOptions) {
    const worker = new ValidationWorker({ workerUrl, temporaryDir, logger, graceMs, onCheck })
    // The validator enforces the limit itself and reports what it has by then. This timer is for one that hangs.
    const timer = setTimeout(
      () => worker.stop(`the checks took longer than ${Math.round(timeoutMs / 1000)} s`),
      timeoutMs + environmentMs + graceMs,
    )
    const watching = memoryBytes === undefined ? undefined : setInterval(() => void watch(), MEMORY_EVERY_MS)
    const watch = async () => {
      if ((await worker.memoryBytes()) <= (memoryBytes ?? Number.POSITIVE_INFINITY)) return
      worker.kill(`the checks used more than ${Math.round((memoryBytes ?? 0) / 1024 ** 2)} MiB of memory`)
    }
    const onAbort = () => worker.stop('the checks were stopped')
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      return await worker.run({
        type: 'validate',
        dir,
        image: image && { ...image, loaded: { ...image.loaded, others: [...image.loaded.others] } },
        phases: [...phases],
        databaseUrl,
        timeoutMs,
        sandbox: {
          choice,
          hiddenDirs: hiddenDirs.map((path) => resolve(path)),
          readPaths: [...readPaths],
          allowUnsandboxed,
        },
      })
    } finally {
      clearTimeout(timer)
      clearInterval(watching)
      signal.removeEventListener('abort', onAbort)
    }
  }
}
