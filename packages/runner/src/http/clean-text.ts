/**
 * Replaces NUL and lone surrogates by U+FFFD in every string and key of a value: JSON can contain them, PostgreSQL's text
 * cannot.
 */
export function cleanText<T>(value: T): T {
  return clean(value) as T
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\u0000', '\uFFFD').toWellFormed()
  if (Array.isArray(value)) return value.map(clean)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [clean(key), clean(item)]))
}

/** Whether JSON text may contain such characters. Only escapes can: decoded UTF-8 never contains lone surrogates, and JSON no raw NUL. */
export function mayNeedCleaning(json: string): boolean {
  return /\\u(?:0000|[dD][89a-fA-F])/.test(json)
}
