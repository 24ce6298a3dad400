import type { StopReason } from '@trainyard/contract'
import type { BackoffOptions } from '@trainyard/datasets/transfer'
import type { PlatformApi } from '../http/platform-api.ts'
import type { TokenSource } from '../http/token-source.ts'
import type { Loss } from './loss.ts'
import type { QueueLimits } from './queue.ts'
import type { SpoolFileSystem } from './spool.ts'

/** Why the platform wants the job to end, or takes no more events of it. */
export type JournalStop =
  | { kind: 'asked'; reason: StopReason }
  | { kind: 'refused'; status: number; code: string; detail: string }

export interface CloseReport {
  /** Whether the platform holds everything that was appended. */
  delivered: boolean
  /** Events that are only in the spool. */
  unacknowledged: number
  /** Events that this process had to drop, by kind. */
  dropped: Loss
  stop: JournalStop | undefined
}

export interface JournalOptions {
  api: PlatformApi
  token: TokenSource
  attempt: number
  /** Where unacknowledged events survive a crash. Without it they are in memory alone. */
  spoolFile?: string
  /** Called once for each: when the platform says to stop, and when it takes no more events. */
  onStop?: (stop: JournalStop) => void
  onWarning?: (message: string) => void
  /** Defaults: 500 events, 256 KiB, 1,000 ms. */
  batch?: { maxEvents?: number; maxBytes?: number; delayMs?: number }
  /** How long metrics of single steps may wait to be written to the spool beside others. Default 100 ms. */
  holdMs?: number
  /**
   * Defaults: 50,000 events, 32 MiB in memory, 64 MiB on disk. At the limit the least important events go; predictions and
   * validations only at the limit on disk, when nothing else is left to go.
   */
  limits?: Partial<QueueLimits>
  backoff?: BackoffOptions
  /** Until the platform names its own pace. Default 15. */
  heartbeatSeconds?: number
  requestTimeoutMs?: number
  /** How long an expired token may stay without a successor in its file, in milliseconds. Default 300,000. */
  tokenGraceMs?: number
  /** Between two tries of a spool that could not be written, in milliseconds. Default 5,000. */
  spoolRetryMs?: number
  fileSystem?: SpoolFileSystem
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}
