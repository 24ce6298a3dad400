import { invalidRequest } from '@trainyard/platform'

/** Cursors are opaque to callers: what they hold may change. */
export function encodeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

export function decodeCursor(cursor: string, length: number): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(parts) && parts.length === length && parts.every((part) => typeof part === 'string')) return parts
  } catch {
    // Said below.
  }
  throw invalidRequest([
    { path: 'query.cursor', detail: 'must be the nextCursor of the page before', value: cursor.slice(0, 200) },
  ])
}
