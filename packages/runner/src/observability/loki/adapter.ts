import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ObservabilityAdapter } from '../adapter.ts'
import { authorization, requestText, rethrow } from '../http.ts'
import type { LokiConfig } from './config.ts'
import { pushBody } from './push-body.ts'

const compress = promisify(gzip)

/** Pushes log lines to Grafana Loki. https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs */
export function createLokiAdapter(config: LokiConfig): ObservabilityAdapter {
  const url = `${config.url.replace(/\/+$/, '')}/loki/api/v1/push`
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    ...authorization(config),
  }
  if (config.tenant !== undefined) headers['x-scope-orgid'] = config.tenant
  const nothing = async () => undefined
  return {
    name: 'loki',
    takes: { metrics: false, artifacts: false, lines: true },
    start: async () => ({}),
    logParams: nothing,
    logMetrics: nothing,
    logArtifact: nothing,
    async logLines(_handle, lines, info, signal) {
      const body = await compress(JSON.stringify(pushBody(lines, info, config.structuredMetadata)))
      await requestText(url, { headers, body: new Uint8Array(body), signal }).catch(rethrow)
      return undefined
    },
    finish: nothing,
    link: () => undefined,
  }
}
