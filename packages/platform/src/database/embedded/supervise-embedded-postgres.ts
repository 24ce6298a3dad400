import { clearTimeout, setTimeout } from 'node:timers'
import { ConfigError } from '../../errors.ts'
import { rotateByCopy } from '../../rotating-file.ts'
import { errorMessage } from '../../system/describe-error.ts'
import { processIdentity } from '../../system/process-identity.ts'
import { clusterFiles } from './cluster.ts'
import { readPostmaster } from './postmaster-file.ts'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from './start-embedded-postgres.ts'

export interface SuperviseOptions extends EmbeddedPostgresOptions {
  /** Receives a sentence for a person when the server has died, and when it runs again. */
  onNotice?: ((text: string) => void) | undefined
  /** Called once, after ten failures in a row, with the last words of the server's log. The server then stays down. */
  onGiveUp?: ((error: ConfigError) => void) | undefined
  /** Longest pause between two tries. Default: 5,000. */
  maxPauseMs?: number | undefined
}

/** A server that is started again whenever it ends. */
export interface SupervisedPostgres {
  /** Stays the same when the server is started again. */
  readonly url: string
  /** Of the latest server. */
  readonly pid: number
  stop(): Promise<void>
}

const POLL_MS = 200
const MAX_FAILURES = 10
const CHECK_LOG_MS = 60_000
const FIRST_PAUSE_MS = 100
/** A server that ends sooner after its start counts as one that did not start. */
const STABLE_MS = 1000

/**
 * Starts an embedded PostgreSQL, and starts it again when it ends without `stop()`: when it is killed, when it crashes, or when
 * another program shuts it down. A pause that grows precedes each try after the first.
 *
 * @throws ConfigError when the first start fails
 */
export async function superviseEmbeddedPostgres(options: SuperviseOptions): Promise<SupervisedPostgres> {
  const supervisor = new PostgresSupervisor(options, await startEmbeddedPostgres(options))
  supervisor.start()
  return supervisor
}

class PostgresSupervisor implements SupervisedPostgres {
  readonly url: string
  readonly #options: SuperviseOptions
  readonly #port: number
  readonly #clusterDir: string
  readonly #logFile: string
  #checkLogAt = 0
  #server: EmbeddedPostgres
  #identity: string | undefined
  #startedAt = performance.now()
  #failures = 0
  #isStopped = false
  #loop: Promise<void> | undefined
  #endPause: (() => void) | undefined

  constructor(options: SuperviseOptions, server: EmbeddedPostgres) {
    this.#options = options
    this.#server = server
    this.#port = server.port
    const { clusterDir, logFile } = clusterFiles(options.dataDir)
    this.#clusterDir = clusterDir
    this.#logFile = logFile
    this.url = server.url
  }

  get pid(): number {
    return this.#server.pid
  }

  start(): void {
    this.#loop = this.#watch()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#endPause?.()
    await this.#loop
    await this.#server.stop()
  }

  /** The server writes its log for as long as it runs. */
  #limitLog(): void {
    if (performance.now() < this.#checkLogAt) return
    this.#checkLogAt = performance.now() + CHECK_LOG_MS
    try {
      rotateByCopy(this.#logFile)
    } catch (error) {
      this.#options.logger?.warn({ err: error }, 'the log of PostgreSQL could not be rotated')
    }
  }

  /** Polls, because an adopted server is not a child of this process. */
  async #watch(): Promise<void> {
    this.#identity = await processIdentity(this.#server.pid)
    while (!this.#isStopped) {
      this.#limitLog()
      if (await this.#isRunning()) await this.#pause(POLL_MS)
      else if (!(await this.#restart())) return
    }
  }

  async #isRunning(): Promise<boolean> {
    const { pid } = this.#server
    const identity = await processIdentity(pid)
    if (identity === undefined || identity !== this.#identity) return false
    // After SIGTERM the server would wait until the last client leaves, and refuse new ones until then.
    const file = await readPostmaster(this.#clusterDir).catch(() => undefined)
    if (file?.pid === pid && file.stopping && !this.#isStopped) process.kill(pid, 'SIGINT')
    return true
  }

  /** Starts the server again. False: stopped, or given up. */
  async #restart(): Promise<boolean> {
    const { logger, onNotice = () => undefined, maxPauseMs = 5000 } = this.#options
    const diedAt = performance.now()
    if (diedAt - this.#startedAt >= STABLE_MS) this.#failures = 0
    let reason: unknown = new ConfigError('It ends soon after each start')
    logger?.error({ postgresPid: this.#server.pid }, 'PostgreSQL has ended; starting it again')
    onNotice('PostgreSQL has ended unexpectedly. Starting it again; requests are answered with 503 until it runs')
    while (!this.#isStopped) {
      if (this.#failures >= MAX_FAILURES) {
        this.#giveUp(reason)
        return false
      }
      if (this.#failures > 0) await this.#pause(Math.min(maxPauseMs, FIRST_PAUSE_MS * 2 ** (this.#failures - 1)))
      if (this.#isStopped) return false
      this.#failures++
      try {
        this.#server = await this.#startAgain()
        this.#identity = await processIdentity(this.#server.pid)
        this.#startedAt = performance.now()
        const seconds = ((this.#startedAt - diedAt) / 1000).toFixed(1)
        logger?.info({ postgresPid: this.#server.pid, seconds }, 'PostgreSQL runs again')
        onNotice(`PostgreSQL runs again after ${seconds} s`)
        return true
      } catch (error) {
        reason = error
        logger?.error({ err: error, failures: this.#failures }, 'PostgreSQL could not be started again')
        if (this.#failures === 1) onNotice(`PostgreSQL does not start: ${errorMessage(error)}. Trying again`)
      }
    }
    return false
  }

  async #startAgain(): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ ...this.#options, port: this.#port, tries: 1 })
    if (server.port === this.#port) return server
    // Started by another program meanwhile. Connections of this one need their port.
    await server.stop()
    throw new ConfigError(`Another program had started it on port ${server.port}; expected ${this.#port}`)
  }

  #giveUp(reason: unknown): void {
    const error = new ConfigError(
      `PostgreSQL ended, and could not be started again in ${MAX_FAILURES} tries. ${errorMessage(reason)}`,
      { cause: reason },
    )
    this.#options.logger?.fatal({ err: error }, 'PostgreSQL stays down')
    this.#options.onGiveUp?.(error)
  }

  async #pause(ms: number): Promise<void> {
    // Stopped during a check: a process that waits for nothing else would end before the server has.
    if (this.#isStopped) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      // The supervisor alone must not keep the process running.
      timer.unref()
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#endPause = undefined
  }
}
