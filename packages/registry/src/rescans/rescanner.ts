import { setTimeout as sleep } from 'node:timers/promises'
import { RescannedCheck } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import { type ClaimedScan, claimScan, postponeScan } from './claim-scan.ts'
import { currentScanner } from './current-scanner.ts'
import { queueWhenChanged } from './queue-scans.ts'
import { recordScan } from './record-scan.ts'
import { runScan } from './run-scan.ts'

/** How often scanners are asked for their databases. */
const DEFAULT_SECONDS = 600
/** Tries with one database. */
const MAX_TRIES = 3
const RETRY_SECONDS = 600

/** Wakes the processes that scan. */
export const RESCAN_QUEUE = 'rescan_queue'

/**
 * Scans published versions again when the database of a scanner changes, or an operator asks for it: in the background, one
 * part at a time, in any number of processes.
 */
export class Rescanner {
  readonly #context: RegistryContext
  readonly #stopping = new AbortController()
  #woken = Promise.withResolvers<void>()
  #unlisten: (() => Promise<void>) | undefined
  #loop: Promise<void> | undefined

  constructor(context: RegistryContext) {
    this.#context = context
  }

  /** Does nothing when no scanner is configured, or the operator has switched it off. */
  async start(): Promise<void> {
    const { clamd, trivy } = this.#context.config.scanners ?? {}
    if ((clamd === undefined && trivy === undefined) || this.#seconds() === 0) return
    this.#unlisten ??= await this.#context.database.listen(RESCAN_QUEUE, () => this.#woken.resolve())
    this.#loop ??= this.#run()
  }

  /** Ends the scan that runs. Another process, or the next start, does it again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#woken.resolve()
    await this.#unlisten?.()
    await this.#loop
  }

  #seconds(): number {
    return this.#context.config.rescanSeconds ?? DEFAULT_SECONDS
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#woken = Promise.withResolvers<void>()
      await this.#pass().catch((error: unknown) => {
        if (!signal.aborted) this.#context.logger.warn({ err: error }, 'published versions could not be scanned again')
      })
      const pause = new AbortController()
      const timer = sleep(this.#seconds() * 1000, undefined, { signal: pause.signal }).catch(() => undefined)
      await Promise.race([timer, this.#woken.promise])
      pause.abort()
    }
  }

  async #pass(): Promise<void> {
    const { signal } = this.#stopping
    const ready: RescannedCheck[] = []
    for (const check of RescannedCheck.options) {
      const { scanner } = await currentScanner(this.#context, check)
      if (scanner === undefined) continue
      ready.push(check)
      if (await queueWhenChanged(this.#context, check, scanner))
        this.#context.logger.info({ check, scanner }, 'published versions are scanned again')
    }
    while (ready.length > 0 && !signal.aborted) {
      const claimed = await claimScan(this.#context, ready)
      if (claimed === undefined) return
      await this.#scan(claimed)
    }
  }

  async #scan(claimed: ClaimedScan): Promise<void> {
    const { signal } = this.#stopping
    const { logger } = this.#context
    try {
      const result = await runScan(this.#context, claimed, signal)
      if (result !== undefined) return await recordScan(this.#context, claimed, result)
    } catch (error) {
      if (signal.aborted) return await postponeScan(this.#context, claimed, { seconds: 0, isLast: false })
      const { trainer, version } = claimed.check
      logger.warn(
        { err: error, trainer, version, check: claimed.scan.check_name },
        'a published version was not scanned',
      )
    }
    const isLast = claimed.scan.tries >= MAX_TRIES
    await postponeScan(this.#context, claimed, { seconds: RETRY_SECONDS, isLast })
  }
}
