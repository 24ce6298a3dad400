import { createHash } from 'node:crypto'
import { OciError } from './errors.ts'
import { parseDigest } from './names.ts'

/** Fields that decide what a client fetches and runs. */
const FIELDS = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'manifests',
  'subject',
  'digest',
  'size',
  'urls',
  'data',
  'platform',
]
const BY_FOLDED = new Map(FIELDS.map((field) => [fold(field), field]))

/** As Go compares the names of fields: without case, with the long s as "s" and the Kelvin sign as "k". */
function fold(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

/**
 * Refuses a manifest that clients can read in another way than this registry: most are written in Go, where "Layers" replaces
 * "layers", and some take embedded `data` instead of the blob that was checked.
 */
export function requireOneReading(json: unknown): void {
  if (!isRecord(json)) return
  requireExactNames(json, '')
  for (const [field, value] of Object.entries(json)) {
    if (!['config', 'subject', 'layers', 'manifests'].includes(field)) continue
    for (const descriptor of Array.isArray(value) ? value : [value]) {
      if (!isRecord(descriptor)) continue
      requireExactNames(descriptor, `${field}.`)
      requireTrueData(descriptor, field)
    }
  }
}

function requireExactNames(record: Record<string, unknown>, path: string): void {
  for (const name of Object.keys(record)) {
    const exact = BY_FOLDED.get(fold(name))
    if (exact === undefined || exact === name) continue
    throw new OciError(
      'MANIFEST_INVALID',
      `the field "${path}${name}" differs from "${path}${exact}" only in upper and lower case, and clients would read either; rename or remove it`,
    )
  }
}

function requireTrueData({ data, digest, size }: Record<string, unknown>, field: string): void {
  if (data === undefined) return
  if (typeof data !== 'string' || typeof digest !== 'string') return
  const bytes = Buffer.from(data, 'base64')
  const { algorithm, hex } = parseDigest(digest)
  if (bytes.byteLength === size && createHash(algorithm).update(bytes).digest('hex') === hex) return
  throw new OciError(
    'MANIFEST_INVALID',
    `"${field}.data" is not the content of ${digest} with ${String(size)} bytes; leave "data" out, or embed the same bytes`,
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
