import { fork } from 'node:child_process'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve as resolvePath } from 'node:path'
import type { ValidationReport } from '@trainyard/contract'
import { type Logger, ownExecArgv, pickEnvironment, programBeside } from '@trainyard/platform'
import type { CheckSandbox } from '../config.ts'
import { killStrays } from './kill-strays.ts'
import { FromWorker, type ToWorker } from './messages.ts'
import type { ValidateFunction, ValidateOptions } from './validate.ts'

export interface ForkValidateOptions {
  logger: Logger
  /** The PostgreSQL in which the compliance run makes a schema of its own. */
  databaseUrl: string
  /** A worker that takes longer is killed with everything it started. */
  timeoutMs: number
  /** Default: in bubblewrap where it can be used. */
  sandbox?: CheckSandbox
  /** What no trainer is to see: other people's bundles, objects and secrets. */
  hiddenDirs?: readonly string[]
  /** How long a worker may tidy up after it was asked to stop. Default 10 000. */
  graceMs?: number
  /** The program of the worker. Default: the one beside this file. */
  workerUrl?: URL
}

/** What a worker may know of the registry's environment: how to find programs and temporary files, no secrets. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'USER', 'SystemRoot', 'XDG_CACHE_HOME'] as const

/** Validates in a forked process: a trainer that takes the validator down does not take the registry down. */
export function createForkValidate(options: ForkValidateOptions): ValidateFunction {
  const { sandbox: choice = 'auto', hiddenDirs = [] } = options
  const {
    logger,
    databaseUrl,
    timeoutMs,
    graceMs = 10_000,
    workerUrl = programBeside(import.meta.url, 'worker'),
  } = options
  return async (wanted: ValidateOptions) => {
    // Of its own: what a killed worker leaves there, and whoever still works there, is found by it.
    const temporary = await realpath(await mkdtemp(join(tmpdir(), 'trainyard-check-')))
    try {
      return await validateIn(temporary, wanted)
    } finally {
      await killStrays(temporary)
      await rm(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch((error: unknown) =>
        logger.warn({ err: error, dir: temporary }, 'temporary files of a check remain'),
      )
    }
  }

  function validateIn(temporary: string, { dir, phases, signal, onCheck }: ValidateOptions) {
    return new Promise<ValidationReport>((resolve, reject) => {
      const worker = fork(workerUrl, [], {
        execArgv: ownExecArgv(workerUrl),
        env: {
          ...pickEnvironment(PASSED_ON),
          TMPDIR: temporary,
        },
        // A process group of its own, so that what the trainer left running can be killed with it.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      })
      let report: ValidationReport | undefined
      let failure: string | undefined
      let killing: NodeJS.Timeout | undefined
      const lastLines: string[] = []
      const killGroup = () => {
        if (worker.pid === undefined) return
        try {
          process.kill(-worker.pid, 'SIGKILL')
        } catch {
          // The group is gone already.
        }
      }
      const stop = (reason: string) => {
        failure ??= reason
        if (killing || worker.exitCode !== null) return
        if (worker.connected) worker.send({ type: 'stop' } satisfies ToWorker, () => undefined)
        killing = setTimeout(killGroup, graceMs)
      }
      // The validator keeps the limit itself, and then still reports what it had; this is for one that cannot.
      const timer = setTimeout(
        () => stop(`the checks took longer than ${Math.round(timeoutMs / 1000)} s`),
        timeoutMs + graceMs,
      )
      const onAbort = () => stop('the checks were stopped')
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()

      for (const stream of [worker.stdout, worker.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          lastLines.push(text.slice(-2000))
          if (lastLines.length > 20) lastLines.shift()
        })
      }
      worker.on('message', (data) => {
        const message = FromWorker.safeParse(data)
        if (!message.success) {
          stop('the worker sent what is no message')
        } else if (message.data.type === 'check') {
          onCheck(message.data.check)
        } else if (message.data.type === 'report') {
          report = message.data.report
        } else {
          failure ??= message.data.message
        }
      })
      worker.on('error', (error) => {
        failure ??= error.message
        if (worker.pid === undefined) end(null, null)
      })
      let ended = false
      const end = (code: number | null, signalName: NodeJS.Signals | null) => {
        if (ended) return
        ended = true
        clearTimeout(timer)
        clearTimeout(killing)
        signal.removeEventListener('abort', onAbort)
        if (report && failure === undefined) return resolve(report)
        const reason = failure ?? `the worker ended with ${signalName ?? `code ${code}`} before it reported`
        logger.warn({ code, signal: signalName, output: lastLines.join('').slice(-4000) }, reason)
        reject(new Error(reason))
      }
      worker.on('exit', (code, signalName) => {
        killGroup()
        // A process that escaped the group may hold the pipes open for as long as it likes.
        setTimeout(() => end(code, signalName), 1000)
      })
      worker.on('close', end)
      worker.send(
        {
          ...{ type: 'validate', dir, phases: [...phases], databaseUrl, timeoutMs },
          // A stranger's trainer has no business in anybody's home folder.
          sandbox: { choice, hiddenDirs: hiddenDirs.map((path) => resolvePath(path)), hideHome: true },
        } satisfies ToWorker,
        () => undefined,
      )
    })
  }
}
