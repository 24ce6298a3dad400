import { createHmac, timingSafeEqual } from 'node:crypto'
import type { SignedRequest } from '@trainyard/contract'
import { z } from 'zod'
import { TrainyardError } from '../../errors.ts'
import type { Clock } from '../../system/clock.ts'

/** What a signature covers. */
export interface Grant {
  method: 'GET' | 'PUT'
  key: string
  /** Seconds since 1970. */
  expires: number
  size?: number | undefined
  sha256?: string | undefined
  type?: string | undefined
  name?: string | undefined
  upload?: string | undefined
  part?: number | undefined
  /** Kind and id of the bearer. */
  bearer?: string | undefined
}

export const STORAGE_PATH = '/storage/'

const whole = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number)

const Query = z.object({
  expires: whole,
  size: whole.optional(),
  sha256: z.string().optional(),
  type: z.string().optional(),
  name: z.string().optional(),
  upload: z.string().optional(),
  part: whole.optional(),
  bearer: z.string().optional(),
  signature: z.string(),
})

/** The URL of a grant: its parameters in clear text, and an HMAC-SHA256 of all of them. */
function signUrl(publicUrl: string, secret: string, grant: Grant): string {
  const { method, key, ...parameters } = grant
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value))
  }
  query.set('signature', signatureOf(secret, grant))
  const path = key.split('/').map(encodeURIComponent).join('/')
  return `${publicUrl.replace(/\/+$/, '')}${STORAGE_PATH}${path}?${query.toString()}`
}

/** The request of a grant. The headers include Content-Length, which clients that stream would leave out. */
export function signRequest(publicUrl: string, secret: string, grant: Grant): SignedRequest {
  const headers: Record<string, string> = {}
  if (grant.method === 'PUT' && grant.size !== undefined) headers['content-length'] = String(grant.size)
  if (grant.method === 'PUT' && grant.type !== undefined) headers['content-type'] = grant.type
  const expiresAt = new Date(grant.expires * 1000).toISOString()
  return { method: grant.method, url: signUrl(publicUrl, secret, grant), headers, expiresAt }
}

/**
 * The grant of a signed URL.
 *
 * @throws TrainyardError `forbidden` when the signature is wrong or has expired
 */
export function verifyUrl(url: URL, method: 'GET' | 'PUT', secret: string, clock: Clock): Grant {
  const parsed = Query.safeParse(Object.fromEntries(url.searchParams))
  if (!parsed.success) throw new TrainyardError('forbidden', 'This URL needs a signature')
  const { signature, ...parameters } = parsed.data
  const grant: Grant = { method, key: keyOf(url.pathname), ...parameters }
  const expected = Buffer.from(signatureOf(secret, grant))
  const actual = Buffer.from(signature)
  if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) {
    throw new TrainyardError('forbidden', `The signature is not valid for this ${method} request`)
  }
  if (clock.now().getTime() >= grant.expires * 1000) {
    throw new TrainyardError(
      'forbidden',
      `This signed URL expired at ${new Date(grant.expires * 1000).toISOString()}; request a new one`,
    )
  }
  return grant
}

function keyOf(pathname: string): string {
  try {
    return pathname.slice(STORAGE_PATH.length).split('/').map(decodeURIComponent).join('/')
  } catch {
    throw new TrainyardError('forbidden', 'The path of this URL is not validly encoded')
  }
}

function signatureOf(secret: string, grant: Grant): string {
  const { method, key, expires, size, sha256, type, name, upload, part, bearer } = grant
  // JSON separates the fields unambiguously.
  const text = JSON.stringify([
    method,
    key,
    expires,
    size ?? null,
    sha256 ?? null,
    type ?? null,
    name ?? null,
    upload ?? null,
    part ?? null,
    bearer ?? null,
  ])
  return createHmac('sha256', secret).update(text).digest('base64url')
}
