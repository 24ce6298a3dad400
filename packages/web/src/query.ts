/** A path with a query string. Undefined and empty values are omitted. */
export function withQuery(path: string, query: Record<string, string | undefined>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(name, value)
  }
  const text = params.toString()
  return text === '' ? path : `${path}?${text}`
}
