import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

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
