import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { parseConfig } from '../config.ts'
import { TrainyardError } from '../errors.ts'
import type { RequestHead } from '../identity/api/authenticator.ts'
import { isAddressedToLoopback } from '../identity/authentication/request-origin.ts'

/** Who may read `/metrics` of a server. */
export interface MetricsConfig {
  /** Required as a bearer token. */
  token?: string | undefined
  /** Whether requests without a token are allowed, if no token is set. Only for a server that listens on loopback. */
  open: boolean
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

const MetricsEnvironment = z.object({
  HOST: z.string().default('127.0.0.1'),
  METRICS_TOKEN: z
    .string()
    .regex(/^\S{16,}$/, 'must be at least 16 characters without spaces')
    .optional(),
})

export function readMetricsConfig(env: Record<string, string | undefined>): MetricsConfig {
  const values = parseConfig(MetricsEnvironment, env, 'metrics')
  return { open: LOOPBACK.has(values.HOST), token: values.METRICS_TOKEN }
}

/**
 * Requires the token in `METRICS_TOKEN` if it is set. Otherwise only requests from this machine pass: the server must listen on
 * loopback, and the request must not come through a proxy.
 */
export function requireMetricsAccess(request: RequestHead, config: MetricsConfig | undefined): void {
  const { headers } = request
  if (config?.token !== undefined) {
    const sent = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (sent !== undefined && sameText(sent, config.token)) return
    throw new TrainyardError('unauthenticated', 'Requires the header "Authorization: Bearer <METRICS_TOKEN>"')
  }
  const isProxied = ['forwarded', 'x-forwarded-for', 'x-real-ip'].some((name) => headers.has(name))
  // A page whose DNS name was rebound to this machine sends its own name.
  if (config?.open === true && !isProxied && isAddressedToLoopback(request)) return
  throw new TrainyardError(
    'forbidden',
    'Metrics can be read from this machine only. Set METRICS_TOKEN to allow requests with "Authorization: Bearer …"',
  )
}

/** Compares in constant time. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
