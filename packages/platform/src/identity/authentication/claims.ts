import type { JWTPayload } from 'jose'

/** The claim at a dotted path, when it is a text that is not empty. */
export function textClaim(payload: JWTPayload, path: string): string | undefined {
  const value = claimAt(payload, path)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The claim at a dotted path as a list: an array of texts, or one text with spaces or commas between the items. */
export function listClaim(payload: JWTPayload, path: string): string[] {
  const value = claimAt(payload, path)
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string')
  return typeof value === 'string' ? value.split(/[\s,]+/).filter((item) => item !== '') : []
}

function claimAt(payload: JWTPayload, path: string): unknown {
  // The whole path is tried first, because the names of some claims are URLs, which contain dots.
  if (Object.hasOwn(payload, path)) return payload[path]
  let value: unknown = payload
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}
