import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

export interface MetricsConfig {
  /** Whoever asks must send it. */
  token?: string
  /** Without a token: whether `/metrics` answers at all. Only for a server that listens on loopback. */
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
  return {
    open: LOOPBACK.has(values.HOST),
    ...(values.METRICS_TOKEN === undefined ? {} : { token: values.METRICS_TOKEN }),
  }
}
