import { z } from 'zod'

export const ORCHESTRATORS = ['database', 'temporal'] as const
export type OrchestratorName = (typeof ORCHESTRATORS)[number]

/** Where Temporal is. */
export interface TemporalConfig {
  /** `HOST:PORT` */
  address: string
  namespace: string
  /** Sent with each request, over TLS. Default: none. */
  apiKey?: string | undefined
  /** Default: with an API key. */
  tls: boolean
}

export const TEMPORAL_VARIABLES = {
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/]+:\d+$/, 'must be HOST:PORT')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_API_KEY: z.string().min(1).optional(),
  TEMPORAL_TLS: z.enum(['on', 'off']).optional(),
}

export function temporalConfig(values: {
  TEMPORAL_ADDRESS?: string | undefined
  TEMPORAL_NAMESPACE: string
  TEMPORAL_API_KEY?: string | undefined
  TEMPORAL_TLS?: 'on' | 'off' | undefined
}): TemporalConfig | undefined {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, TEMPORAL_API_KEY: apiKey, TEMPORAL_TLS } = values
  if (address === undefined) return undefined
  return { address, namespace, apiKey, tls: TEMPORAL_TLS === undefined ? apiKey !== undefined : TEMPORAL_TLS === 'on' }
}
