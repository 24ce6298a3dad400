import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

export interface LokiConfig {
  url: string
  tenant?: string | undefined
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
  /** Whether ids are sent as structured metadata (Loki 3). Otherwise they are part of the line. */
  structuredMetadata: boolean
}

const Environment = z.object({
  LOKI_URL: z.url({ protocol: /^https?$/ }).optional(),
  LOKI_TENANT: z.string().min(1).optional(),
  LOKI_TOKEN: z.string().min(1).optional(),
  LOKI_USERNAME: z.string().min(1).optional(),
  LOKI_PASSWORD: z.string().min(1).optional(),
  LOKI_STRUCTURED_METADATA: z.enum(['true', 'false']).default('true'),
})

/** Undefined: `LOKI_URL` is not set. */
export function readLokiConfig(env: Record<string, string | undefined>): LokiConfig | undefined {
  const values = parseConfig(Environment, env, 'Loki')
  if (values.LOKI_URL === undefined) return undefined
  return {
    url: values.LOKI_URL,
    tenant: values.LOKI_TENANT,
    token: values.LOKI_TOKEN,
    username: values.LOKI_USERNAME,
    password: values.LOKI_PASSWORD,
    structuredMetadata: values.LOKI_STRUCTURED_METADATA === 'true',
  }
}
