import { invalidRequest } from '@trainyard/platform'

/** Makes the cursor of a page. Cursors are opaque to callers; their content may change. */
export function encodeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Reads a cursor with `length` parts. Throws `invalid_request` for any other text. */
export function decodeCursor(cursor: string, length: number): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(parts) && parts.length === length && parts.every((part) => typeof part === 'string')) return parts
  } catch {
    // Reported below.
  }
  throw invalidRequest([
    { path: 'query.cursor', detail: 'must be the nextCursor of the previous page', value: cursor.slice(0, 200) },
  ])
}
