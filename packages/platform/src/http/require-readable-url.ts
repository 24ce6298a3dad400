import type { FieldIssue } from '@trainyard/contract'
import { invalidRequest } from '../errors.ts'

/**
 * Refuses a URL whose path or query is not percent-encoded UTF-8, or contains NUL: no route has a use for them, and PostgreSQL
 * does not accept them. Lone surrogates are not UTF-8.
 *
 * @throws TrainyardError `invalid_request` that names every such parameter
 */
export function requireReadableUrl(url: string): void {
  // Everything else is ASCII without NUL.
  if (!url.includes('%')) return
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  const issues = issuesOf('path', path)
  for (const parameter of at < 0 ? [] : url.slice(at + 1).split('&')) {
    const [name = ''] = parameter.split('=', 1)
    issues.push(...issuesOf(issuesOf('', name).length > 0 ? 'query' : `query.${decodeURIComponent(name)}`, parameter))
  }
  if (issues.length > 0) throw invalidRequest(issues)
}

function issuesOf(path: string, encoded: string): FieldIssue[] {
  const value = encoded.slice(0, 200)
  try {
    if (!decodeURIComponent(encoded).includes('\u0000')) return []
    return [{ path, detail: 'must not contain a NUL character (%00)', value }]
  } catch {
    return [{ path, detail: 'must be UTF-8 in percent-encoding: "%" and two hex digits for each byte', value }]
  }
}
