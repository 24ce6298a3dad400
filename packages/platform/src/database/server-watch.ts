import pg from 'pg'
import { DatabaseUnavailable } from '../errors.ts'
import type { Logger } from '../log.ts'

export interface ServerWatchOptions {
  url: string
  applicationName: string
  /** How long a server may leave a statement, or a new connection, without an answer before it is asked whether it lives. */
  patienceMs: number
  /** A statement without an answer for this long is given up, whatever the server answers to others. */
  maxStatementMs: number
  logger?: Logger | undefined
}

/** A statement, or a request for a connection, that has no answer yet. */
interface Waiting {
  waitedMs: number
  /** Makes it fail. */
  cut(): void
}

interface Probe {
  answer: Promise<void>
  waitedMs: number
}

/** Sweeps in one `patienceMs`. */
const SWEEPS = 8
/** The probe of a server that has not answered for this long is replaced: its connection may be dead. */
const MAX_PROBE_MS = 30_000

/**
 * Finds out that a server is frozen: it holds its connections open and answers nothing. Without this, a statement would wait
 * for as long as it is frozen. While it is, statements fail at once with {@link DatabaseUnavailable}; one probe waits for it.
 *
 * Time is counted in sweeps, so that a pause of this process is not held against the server.
 */
export class ServerWatch {
  readonly #options: ServerWatchOptions
  readonly #waiting = new Set<Waiting>()
  #probe: Probe | undefined
  #timer: NodeJS.Timeout | undefined
  #isFrozen = false

  constructor(options: ServerWatchOptions) {
    this.#options = options
  }

  /** @throws DatabaseUnavailable while the server is known to be frozen */
  requireAnswers(): void {
    if (this.#isFrozen) throw new DatabaseUnavailable(new Error('PostgreSQL holds its connections and answers nothing'))
  }

  /** Waits for `work`. Calls `cut`, which must make it fail, when the server turns out to be frozen. */
  async watch<T>(work: Promise<T>, cut: () => void): Promise<T> {
    const waiting: Waiting = { waitedMs: 0, cut }
    this.#waiting.add(waiting)
    this.#startSweeping()
    try {
      return await work
    } finally {
      this.#waiting.delete(waiting)
    }
  }

  /**
   * Asks the server over a new connection. Calls at the same time share one.
   *
   * @throws DatabaseUnavailable when there is no answer within `patienceMs`
   */
  async ping(): Promise<void> {
    this.requireAnswers()
    const { answer } = this.#startProbe()
    const { patienceMs } = this.#options
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new DatabaseUnavailable(new Error(`PostgreSQL gave no answer for ${patienceMs} ms`))),
        patienceMs,
      )
    })
    await Promise.race([answer, late]).finally(() => clearTimeout(timer))
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#waiting.clear()
    this.#isFrozen = false
  }

  #startSweeping(): void {
    if (this.#timer !== undefined) return
    const everyMs = this.#options.patienceMs / SWEEPS
    this.#timer = setInterval(() => this.#sweep(everyMs), everyMs)
    this.#timer.unref()
  }

  #sweep(passedMs: number): void {
    const { patienceMs, maxStatementMs } = this.#options
    if (this.#waiting.size === 0 && this.#probe === undefined && !this.#isFrozen) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    let isLate = this.#isFrozen
    for (const waiting of this.#waiting) {
      waiting.waitedMs += passedMs
      if (waiting.waitedMs < patienceMs) continue
      isLate = true
      if (this.#isFrozen || waiting.waitedMs >= maxStatementMs) waiting.cut()
    }
    if (isLate) this.#startProbe()
    if (this.#probe === undefined) return
    this.#probe.waitedMs += passedMs
    if (!isLate || this.#isFrozen || this.#probe.waitedMs < patienceMs) return
    this.#isFrozen = true
    this.#options.logger?.error('PostgreSQL holds its connections and answers nothing; requests get 503 until it does')
    for (const waiting of this.#waiting) if (waiting.waitedMs >= patienceMs) waiting.cut()
  }

  #startProbe(): Probe {
    if (this.#probe !== undefined) return this.#probe
    const probe: Probe = { answer: this.#ask(), waitedMs: 0 }
    this.#probe = probe
    this.#startSweeping()
    const end = (hasAnswered: boolean) => {
      this.#probe = undefined
      if (!hasAnswered || !this.#isFrozen) return
      this.#isFrozen = false
      this.#options.logger?.info('PostgreSQL answers again')
    }
    probe.answer.then(
      () => end(true),
      // A refusal is an answer, too: the next statement reports it.
      () => end(probe.waitedMs < MAX_PROBE_MS - this.#options.patienceMs),
    )
    return probe
  }

  async #ask(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: this.#options.applicationName,
      connectionTimeoutMillis: MAX_PROBE_MS,
      query_timeout: MAX_PROBE_MS,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('select 1')
    } catch (error) {
      throw new DatabaseUnavailable(error)
    } finally {
      // Not awaited: a server that has just been frozen never closes it.
      client.end().catch(() => undefined)
    }
  }
}
