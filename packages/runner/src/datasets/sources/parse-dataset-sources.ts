import { Slug } from '@trainyard/contract'
import type { AllowedSource } from '../context.ts'
import { findOwnPrefix, toFolderPrefix } from './own-prefixes.ts'

/**
 * Parses `DATASET_SOURCES`: `s3://bucket/prefix/` and `store://prefix/`, separated by commas or spaces.
 * `red+blue=s3://bucket/prefix/` allows a source for the organisations `red` and `blue` only. Throws an error whose
 * message completes "DATASET_SOURCES …".
 */
export function parseDatasetSources(text: string): AllowedSource[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      // A "=" after the scheme is part of the prefix.
      const [, organisations, location = entry] = /^([^:/]*)=(.*)$/s.exec(entry) ?? []
      const source = parseLocation(location)
      return organisations === undefined
        ? source
        : { ...source, organisations: parseOrganisations(organisations, entry) }
    })
}

function parseOrganisations(list: string, entry: string): string[] {
  return list.split('+').map((slug) => {
    if (Slug.safeParse(slug).success) return slug
    throw new Error(`must name organisations before "=", such as red+blue=s3://bucket/prefix/ (got "${entry}")`)
  })
}

function parseLocation(entry: string): AllowedSource {
  const match = /^(s3|store):\/\/(.*)$/.exec(entry)
  if (match === null) throw new Error(`must list s3://bucket/prefix/ or store://prefix/ (got "${entry}")`)
  const rest = match[2] ?? ''
  if (match[1] === 's3') {
    const [bucket = '', ...parts] = rest.split('/')
    if (bucket === '') throw new Error(`must name a bucket after s3:// (got "${entry}")`)
    return { bucket, prefix: toFolderPrefix(parts.join('/')) }
  }
  const prefix = toFolderPrefix(rest)
  const own = findOwnPrefix(prefix)
  if (own !== undefined)
    throw new Error(`must not include "${entry}": the platform stores its own objects below ${own}`)
  return { prefix }
}
