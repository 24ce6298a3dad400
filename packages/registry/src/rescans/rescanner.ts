import { RescannedCheck } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import { QueueLoop } from '../events/queue-loop.ts'
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
  readonly #seconds: number
  readonly #loop: QueueLoop

  constructor(context: RegistryContext) {
    this.#context = context
    this.#seconds = context.config.rescanSeconds ?? DEFAULT_SECONDS
    const pass = async (signal: AbortSignal) => {
      await this.#pass(signal).catch((error: unknown) => {
        if (!signal.aborted) context.logger.warn({ err: error }, 'published versions could not be scanned again')
      })
      return []
    }
    this.#loop = new QueueLoop(context.database, { queue: RESCAN_QUEUE, pauseMs: this.#seconds * 1000, pass })
  }

  /** Does nothing when no scanner is configured, or the operator has switched it off. */
  async start(): Promise<void> {
    const { clamd, trivy } = this.#context.config.scanners ?? {}
    if ((clamd !== undefined || trivy !== undefined) && this.#seconds > 0) await this.#loop.start()
  }

  /** Ends the scan that runs. Another process, or the next start, does it again. */
  async stop(): Promise<void> {
    await this.#loop.stop()
  }

  async #pass(signal: AbortSignal): Promise<void> {
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
      await this.#scan(claimed, signal)
    }
  }

  async #scan(claimed: ClaimedScan, signal: AbortSignal): Promise<void> {
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
