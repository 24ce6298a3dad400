import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

export interface OtlpConfig {
  /** The full URL to which traces are sent. */
  tracesUrl: string
  headers: Readonly<Record<string, string>>
  serviceName: string
}

const Environment = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .default('')
    .refine(
      (text) => text === '' || text.split(',').every((pair) => pair.indexOf('=') > 0),
      'must be a list of name=value, separated by commas',
    ),
  OTEL_SERVICE_NAME: z.string().min(1).default('trainyard-runner'),
})

/** Reads OpenTelemetry's own variables. Undefined: no endpoint is set. */
export function readOtlpConfig(env: Record<string, string | undefined>): OtlpConfig | undefined {
  const values = parseConfig(Environment, env, 'OpenTelemetry')
  const origin = values.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '')
  const tracesUrl =
    values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (origin === undefined ? undefined : `${origin}/v1/traces`)
  if (tracesUrl === undefined) return undefined
  const pairs = values.OTEL_EXPORTER_OTLP_HEADERS.split(',').filter((pair) => pair !== '')
  const headers = Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at).trim().toLowerCase(), decodeURIComponent(pair.slice(at + 1).trim())]
    }),
  )
  return { tracesUrl, headers, serviceName: values.OTEL_SERVICE_NAME }
}
