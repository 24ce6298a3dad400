import type { MiddlewareHandler } from 'hono'
import { compress } from 'hono/compress'

/**
 * Pages, scripts and styles are compressed with gzip. A stream of events is not: `cache-control: no-transform` keeps it as it is,
 * because a compressor would hold events back.
 */
export function compressed(): MiddlewareHandler {
  return compress({ encoding: 'gzip', threshold: 1024 })
}
