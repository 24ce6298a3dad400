import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'
import { defined } from '../optional.ts'

export interface LokiConfig {
  url: string
  tenant?: string
  token?: string
  username?: string
  password?: string
  /** Whether ids go beside a line as structured metadata (Loki 3), or into it. */
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

/** Undefined when there is no `LOKI_URL`. */
export function readLokiConfig(env: Record<string, string | undefined>): LokiConfig | undefined {
  const values = parseConfig(Environment, env, 'Loki')
  if (values.LOKI_URL === undefined) return undefined
  return {
    url: values.LOKI_URL,
    structuredMetadata: values.LOKI_STRUCTURED_METADATA === 'true',
    ...defined({
      tenant: values.LOKI_TENANT,
      token: values.LOKI_TOKEN,
      username: values.LOKI_USERNAME,
      password: values.LOKI_PASSWORD,
    }),
  }
}
