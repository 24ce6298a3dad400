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

/** A name of the distribution spec: parts of lower-case letters and digits, separated inside by `.`, `_`, `__` or any number of `-`. */
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const OCI_NAME = new RegExp(`^${PART}(?:/${PART})*$`)
const MAX_NAME_LENGTH = 255

/** The part of a repository's name that says whose it is: all of a name without a slash. */
export function namespaceOf(repository: string): string {
  const slash = repository.indexOf('/')
  return slash === -1 ? repository : repository.slice(0, slash)
}

/** A plain namespace takes any name of the distribution spec. Elsewhere a repository has the name of its trainer: `namespace/name`. */
export function parseRepositoryName(
  text: string,
  plainNamespaces: readonly string[],
): { name: string; namespace: string; plain: boolean } {
  const namespace = namespaceOf(text)
  if (plainNamespaces.includes(namespace)) {
    if (text.length <= MAX_NAME_LENGTH && OCI_NAME.test(text)) return { name: text, namespace, plain: true }
    throw new OciError(
      'NAME_INVALID',
      `the repository name "${text.slice(0, 150)}" is not valid: expected parts of lower-case letters and digits, which ".", "_", "__" or "-" can separate, joined by "/"; at most ${MAX_NAME_LENGTH} characters`,
    )
  }
  const parsed = TrainerName.safeParse(text)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]?.message ?? 'is not valid'
    throw new OciError('NAME_INVALID', `the repository name "${text.slice(0, 150)}" ${issue}`)
  }
  return { name: parsed.data, namespace, plain: false }
}
