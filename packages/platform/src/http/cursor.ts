import type { z } from 'zod'
import { invalidRequest } from '../errors.ts'

/** Makes the cursor of a page. Cursors are opaque to callers; their content may change. */
export function formatCursor(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url')
}

/** Escapes of characters that PostgreSQL's text cannot hold. {@link formatCursor} never writes them for stored text. */
const UNSTORABLE = /\\u(?:0000|[dD][89a-fA-F])/

/**
 * Reads a cursor, which anyone can forge.
 *
 * @throws TrainyardError `invalid_request` for text that `formatCursor` cannot have written
 */
export function parseCursor<T>(schema: z.ZodType<T>, cursor: string): T {
  try {
    const text = Buffer.from(cursor, 'base64url').toString('utf8')
    if (!UNSTORABLE.test(text)) return schema.parse(JSON.parse(text))
  } catch {
    // Reported below.
  }
  throw invalidRequest([
    { path: 'query.cursor', detail: 'must be the nextCursor of the previous page', value: cursor.slice(0, 200) },
  ])
}
