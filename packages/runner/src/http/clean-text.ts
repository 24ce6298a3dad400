/** What is nested more deeply is cut. Nothing that is stored or accepted is nested as deeply as this. */
const MAX_DEPTH = 200

/**
 * Replaces NUL and lone surrogates by U+FFFD in every string and key of a value: JSON can contain them, PostgreSQL's text
 * cannot.
 */
export function cleanText<T>(value: T): T {
  return clean(value, MAX_DEPTH) as T
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.replaceAll('\u0000', '\uFFFD').toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.map((item) => clean(item, depth - 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [clean(key, depth), clean(item, depth - 1)]))
}

/** Whether JSON text may contain such characters. Only escapes can: decoded UTF-8 never contains lone surrogates, and JSON no raw NUL. */
export function mayNeedCleaning(json: string): boolean {
  return /\\u(?:0000|[dD][89a-fA-F])/.test(json)
}
