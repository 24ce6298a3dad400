import { pictureSignature } from '@trainyard/platform'

/** Of files that are no pictures. */
const SIGNATURES: readonly [contentType: string, at: number, bytes: string][] = [
  ['application/pdf', 0, '%PDF-'],
  ['application/zip', 0, 'PK\u0003\u0004'],
  ['application/gzip', 0, '\u001f\u008b\u0008'],
  ['application/x-tar', 257, 'ustar'],
]

/** Bytes of the start of a file that {@link contentTypeOf} reads. */
export const HEAD_BYTES = 512

const UNKNOWN = 'application/octet-stream'

/** Types that no browser runs and that need not have a signature. */
const PASSIVE =
  /^(?:text\/(?:plain|csv|tab-separated-values|markdown|yaml)|audio\/|video\/|font\/|model\/|application\/)/

/** Types that a browser may run, and parts that may contain such. */
const ACTIVE = /^application\/(?:xhtml|xml|.*\+xml|(?:x-)?(?:java|ecma|live)script|x-shockwave|pdf|wasm|http)/

/** `type/subtype` with parameters. */
const WELL_FORMED = /^[a-z0-9][\w.+-]*\/[\w.+-]+(?:\s*;[\x20-\x7e]*)?$/i

/**
 * The content type of a trainer's file: that of its first bytes where they tell, else the announced one, unless it claims to be
 * a picture or something that a browser runs. A trainer cannot make the platform serve HTML or SVG.
 */
export function contentTypeOf(head: Uint8Array, announced: string): string {
  const picture = pictureSignature(head)
  if (picture !== undefined) return picture
  const start = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1')
  for (const [contentType, at, bytes] of SIGNATURES) if (start.startsWith(bytes, at)) return contentType
  const type = announced.trim().toLowerCase()
  return WELL_FORMED.test(type) && PASSIVE.test(type) && !ACTIVE.test(type) ? announced.trim() : UNKNOWN
}
