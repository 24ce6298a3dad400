import type { StopReason } from '@trainyard/contract'
import type { BackoffOptions } from '@trainyard/datasets/transfer'
import type { PlatformApi } from '../http/platform-api.ts'
import type { TokenSource } from '../http/token-source.ts'
import type { Loss } from './loss.ts'
import type { QueueLimits } from './queue.ts'
import type { SpoolFileSystem } from './spool.ts'

/** The platform asked the job to stop, or refuses further events. */
export type JournalStop =
  | { kind: 'asked'; reason: StopReason }
  | { kind: 'refused'; status: number; code: string; detail: string }

export interface CloseReport {
  /** Whether the platform acknowledged every event. */
  delivered: boolean
  /** The number of events that are only in the spool. */
  unacknowledged: number
  /** Events that this process dropped, by kind. */
  dropped: Loss
  stop: JournalStop | undefined
}

export interface JournalOptions {
  api: PlatformApi
  token: TokenSource
  attempt: number
  /** File that keeps unacknowledged events across a crash. Default: memory only. */
  spoolFile?: string | undefined
  /** Called at most once for each kind of stop. */
  onStop?: ((stop: JournalStop) => void) | undefined
  onWarning?: ((message: string) => void) | undefined
  /** Defaults: 500 events, 256 KiB, 1,000 ms. */
  batch?: { maxEvents?: number; maxBytes?: number; delayMs?: number } | undefined
  /** How long the metrics of single steps may wait to be written to the spool together. Default 100 ms. */
  holdMs?: number | undefined
  /**
   * Defaults: 50,000 events, 32 MiB in memory, 64 MiB on disk. At the limit the least important events are dropped;
   * predictions and validations only at the limit on disk, when nothing else is left to drop.
   */
  limits?: Partial<QueueLimits> | undefined
  backoff?: BackoffOptions | undefined
  /** Until the platform sets the interval. Default 15. */
  heartbeatSeconds?: number | undefined
  /** Default 30,000. */
  requestTimeoutMs?: number | undefined
  /** How long to wait for the successor of an expired token in its file, in milliseconds. Default 300,000. */
  tokenGraceMs?: number | undefined
  /** Interval between tries to write a spool after an error, in milliseconds. Default 5,000. */
  spoolRetryMs?: number | undefined
  fileSystem?: SpoolFileSystem | undefined
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: (() => number) | undefined
}
