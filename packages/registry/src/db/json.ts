/**
 * A value as text for a `jsonb` column. PostgreSQL cannot hold NUL and lone surrogates, which strangers' files may
 * have; `JSON.stringify` writes both as escapes, in keys too, so they are replaced there.
 */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value ?? null).replace(/\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '\\ufffd')
}
