import { TrainerName } from '@trainyard/contract'
import { OciError } from './errors.ts'

/** Number of hex digits by algorithm. */
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 }

export interface ParsedDigest {
  text: string
  algorithm: 'sha256' | 'sha512'
  hex: string
}

export function parseDigest(text: string): ParsedDigest {
  const [algorithm = '', hex = ''] = text.split(':')
  if (DIGEST_LENGTHS[algorithm] !== hex.length || !/^[0-9a-f]+$/.test(hex) || text !== `${algorithm}:${hex}`) {
    throw new OciError(
      'DIGEST_INVALID',
      `"${text.slice(0, 150)}" is not a digest; expected "sha256:" and 64, or "sha512:" and 128, lower-case hex digits`,
    )
  }
  return { text, algorithm: algorithm as ParsedDigest['algorithm'], hex }
}

export function isDigest(reference: string): boolean {
  return reference.includes(':')
}

/** The key of a blob in the object store. It depends only on the content, so repositories share blobs. */
export function blobKey(digest: string): string {
  const { algorithm, hex } = parseDigest(digest)
  return `blobs/${algorithm}/${hex.slice(0, 2)}/${hex}`
}

export function parseTag(text: string): string {
  if (/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text)) return text
  throw new OciError(
    'TAG_INVALID',
    `"${text.slice(0, 150)}" is not a tag; expected at most 128 letters, digits, "_", "." and "-", not starting with "." or "-"`,
  )
}

/** A repository has the name of its trainer: `namespace/name`. */
export function parseRepositoryName(text: string): { name: string; namespace: string } {
  const parsed = TrainerName.safeParse(text)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]?.message ?? 'is not valid'
    throw new OciError('NAME_INVALID', `the repository name "${text.slice(0, 150)}" ${issue}`)
  }
  return { name: parsed.data, namespace: parsed.data.slice(0, parsed.data.indexOf('/')) }
}
