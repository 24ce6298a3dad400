import { z } from 'zod'
import { parseConfig } from '../config.ts'
import { AddressList, AddressListVariable } from './address-list.ts'

/** Limits of a listener's connections. */
export interface HttpLimits {
  /** Time in which the headers of a request must arrive. A connection that sends nothing is closed after it too. */
  headersTimeoutMs: number
  /** A connection is closed when its client neither sends the rest of a body nor reads an answer for this long. */
  idleTimeoutMs: number
  /** Average rate of a body, after the first `idleTimeoutMs`. Time in which the server does not read does not count. */
  minBodyBytesPerSecond: number
  /** How long a connection is kept for the next request. */
  keepAliveMs: number
  /** All connections. Further ones are closed at once. */
  maxConnections: number
  /** Connections of one IPv4 address, or one IPv6 network of 64 bits. Further ones get 429. */
  maxConnectionsPerAddress: number
  /** Addresses without the limit above: proxies, through which many clients connect. */
  proxies: AddressList
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headersTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
  minBodyBytesPerSecond: 1000,
  keepAliveMs: 5000,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 512,
  proxies: new AddressList(),
}

const seconds = (defaultMs: number) =>
  z.coerce
    .number()
    .positive()
    .max(86_400)
    .default(defaultMs / 1000)
    .transform((value) => value * 1000)
const count = (defaultValue: number) => z.coerce.number().int().positive().default(defaultValue)

const HttpEnvironment = z.object({
  HTTP_HEADERS_TIMEOUT_SECONDS: seconds(DEFAULT_HTTP_LIMITS.headersTimeoutMs),
  HTTP_IDLE_TIMEOUT_SECONDS: seconds(DEFAULT_HTTP_LIMITS.idleTimeoutMs),
  HTTP_MIN_BODY_BYTES_PER_SECOND: z.coerce.number().nonnegative().default(DEFAULT_HTTP_LIMITS.minBodyBytesPerSecond),
  HTTP_KEEP_ALIVE_SECONDS: seconds(DEFAULT_HTTP_LIMITS.keepAliveMs),
  HTTP_MAX_CONNECTIONS: count(DEFAULT_HTTP_LIMITS.maxConnections),
  HTTP_MAX_CONNECTIONS_PER_ADDRESS: count(DEFAULT_HTTP_LIMITS.maxConnectionsPerAddress),
  TRUSTED_PROXIES: AddressListVariable,
})

/**
 * Reads the limits from environment variables.
 *
 * @throws ConfigError which names each invalid variable
 */
export function readHttpLimits(env: Record<string, string | undefined>, what: string): HttpLimits {
  const values = parseConfig(HttpEnvironment, env, what)
  return {
    headersTimeoutMs: values.HTTP_HEADERS_TIMEOUT_SECONDS,
    idleTimeoutMs: values.HTTP_IDLE_TIMEOUT_SECONDS,
    minBodyBytesPerSecond: values.HTTP_MIN_BODY_BYTES_PER_SECOND,
    keepAliveMs: values.HTTP_KEEP_ALIVE_SECONDS,
    maxConnections: values.HTTP_MAX_CONNECTIONS,
    maxConnectionsPerAddress: values.HTTP_MAX_CONNECTIONS_PER_ADDRESS,
    proxies: values.TRUSTED_PROXIES,
  }
}
