import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { rateLimitStateOf, setRateLimitState } from '../../http/rate-limit-headers.ts'
import type { Logger } from '../../log.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { networkOf } from './network-of.ts'
import type { RequestLimits } from './request-limits.ts'

const WINDOW_SECONDS = 60
const SYNC_MS = 1000
/** More senders in one window are not counted: memory is limited, and other parts stop a flood from more addresses. */
const MAX_SENDERS = 50_000

interface Count {
  /** The total of all replicas at the last exchange. */
  shared: number
  /** Requests since then, and those that are on their way to the database. */
  pending: number
  sending: number
}

export interface RequestLimiterOptions {
  identity: IdentityStore
  limits: RequestLimits
  logger: Logger
  /** Milliseconds since 1970. Default: `Date.now`. */
  now?: (() => number) | undefined
}

/** Who sent a request: an account or the owner of a token, or only an address. */
export type Sender = { subject: string } | { address: string }

/**
 * Counts requests in windows of a minute. A request is counted in memory and never waits for the database. Once a second all
 * counts of a process are added to those of the other replicas, in one statement; the answer has the totals. While the
 * database does not answer, each process limits what it sees itself.
 */
export class RequestLimiter {
  readonly #options: RequestLimiterOptions
  readonly #now: () => number
  #counts = new Map<string, Count>()
  #window = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: RequestLimiterOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /**
   * Counts a request once, however often it is called. Credentials must have been checked: who sends wrong ones is only an
   * address, so that no one can use up the limit of another.
   *
   * @throws TrainyardError `rate_limited`
   */
  count(request: Request, sender: Sender): void {
    const { limits } = this.#options
    if (!limits.enabled || rateLimitStateOf(request) !== undefined) return
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const policy = 'address' in sender ? 'anonymous' : isRead ? 'reads' : 'writes'
    const quota = limits[policy]
    const count = this.#countOf(`${policy}:${'address' in sender ? networkOf(sender.address) : sender.subject}`)
    const used = count.shared + count.pending + count.sending
    const resetSeconds = Math.max(1, Math.ceil(((this.#window + 1) * WINDOW_SECONDS * 1000 - this.#now()) / 1000))
    const remaining = Math.max(0, quota - used - 1)
    setRateLimitState(request, { policy, quota, windowSeconds: WINDOW_SECONDS, remaining, resetSeconds })
    if (used >= quota) throw refusal(policy, quota, resetSeconds)
    count.pending += 1
    this.#timer ??= setTimeout(() => void this.sync(), SYNC_MS).unref()
  }

  /** Adds the counts to those of the other replicas, and reads the totals. A timer calls it. */
  async sync(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const window = this.#window
    const batch = [...this.#counts].filter(([, { pending }]) => pending > 0)
    if (batch.length === 0) return
    for (const [, count] of batch) {
      count.sending += count.pending
      count.pending = 0
    }
    const keys = new Map(batch.map(([key, count]) => [hashOf(`requests:${window}:${key}`), count]))
    const amounts = [...keys.values()].map(({ sending }) => sending)
    try {
      const { rows } = await sql<{ key: string; count: number }>`
        insert into rate_limits as known (key, count, resets_at)
        select key, amount, to_timestamp(${(window + 1) * WINDOW_SECONDS})
        from unnest(${[...keys.keys()]}::text[], ${amounts}::int[]) as batch (key, amount) order by key
        on conflict (key) do update set count = known.count + excluded.count
        returning key, count`.execute(this.#options.identity.database.db)
      for (const { key, count } of rows) this.#exchanged(keys.get(key), count)
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'could not share the counts of requests')
      for (const count of keys.values()) {
        count.pending += count.sending
        count.sending = 0
      }
    }
  }

  #exchanged(count: Count | undefined, total: number): void {
    if (count === undefined) return
    count.shared = total
    count.sending = 0
  }

  #countOf(key: string): Count {
    const window = Math.floor(this.#now() / (WINDOW_SECONDS * 1000))
    if (window !== this.#window) {
      this.#window = window
      this.#counts = new Map()
      this.#removeOld()
    }
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    const count: Count = { shared: 0, pending: 0, sending: 0 }
    if (this.#counts.size < MAX_SENDERS) this.#counts.set(key, count)
    return count
  }

  #removeOld(): void {
    const { identity, logger } = this.#options
    sql`delete from rate_limits where resets_at < now() - interval '1 hour'`
      .execute(identity.database.db)
      .catch((error: unknown) => logger.debug({ err: error }, 'could not remove old counts of requests'))
  }
}

const NAMES = {
  anonymous: 'a network whose requests have no valid token. Send a token to have a limit of your own',
  reads: 'reads by one account',
  writes: 'changes by one account',
} as const

function refusal(policy: keyof typeof NAMES, quota: number, seconds: number): TrainyardError {
  const wait = `Wait ${seconds} second${seconds === 1 ? '' : 's'}`
  const detail = `Too many requests: the limit is ${quota} a minute for ${NAMES[policy]}. ${wait}`
  return new TrainyardError('rate_limited', detail, { retryAfterSeconds: seconds })
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
