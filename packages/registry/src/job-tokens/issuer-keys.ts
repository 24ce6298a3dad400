import { TrainyardError } from '@trainyard/platform'
import { createRemoteJWKSet, customFetch } from 'jose'
import { z } from 'zod'
import type { CiIssuer } from './ci-issuers.ts'

const MAX_BYTES = 256 * 1024
/** An issuer that has just failed is not asked again for this long, whatever tokens arrive. */
const COOLDOWN_MS = 5000

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })
export type RemoteKeys = ReturnType<typeof createRemoteJWKSet>

/** Finds the public keys of an issuer: by its configuration, or by OpenID Connect Discovery. */
export class IssuerKeys {
  readonly #issuer: CiIssuer
  #keys: Promise<RemoteKeys> | undefined
  readonly #timeoutMs: number
  #failedAt: number | undefined

  /** @param timeoutMs limit of each request to the issuer */
  constructor(issuer: CiIssuer, timeoutMs: number) {
    this.#issuer = issuer
    this.#timeoutMs = timeoutMs
  }

  /** @throws TrainyardError `unavailable` while the issuer does not answer as it should */
  async get(): Promise<RemoteKeys> {
    if (this.#failedAt !== undefined && performance.now() - this.#failedAt > COOLDOWN_MS) {
      this.#keys = undefined
      this.#failedAt = undefined
    }
    this.#keys ??= this.#find().catch((error: unknown) => {
      this.#failedAt = performance.now()
      throw error
    })
    return await this.#keys
  }

  async #find(): Promise<RemoteKeys> {
    return createRemoteJWKSet(new URL(this.#issuer.jwksUrl ?? (await this.#discover())), {
      [customFetch]: fetchLimited,
      timeoutDuration: this.#timeoutMs,
      cooldownDuration: 30_000,
      cacheMaxAge: 600_000,
    })
  }

  async #discover(): Promise<string> {
    const { issuer } = this.#issuer
    const url = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`
    const answer = await fetchLimited(url, { signal: AbortSignal.timeout(this.#timeoutMs) }).catch((cause: unknown) => {
      throw unavailable(this.#issuer, cause)
    })
    if (answer.status !== 200) throw unavailable(this.#issuer, new Error(`${url} answered ${answer.status}`))
    const found = Discovery.safeParse(await answer.json().catch(() => undefined))
    if (!found.success) throw unavailable(this.#issuer, new Error(`${url} is no OpenID Connect Discovery document`))
    if (found.data.issuer !== issuer)
      throw unavailable(this.#issuer, new Error(`${url} is of the issuer "${found.data.issuer.slice(0, 200)}"`))
    if (issuer.startsWith('https:') && !found.data.jwks_uri.startsWith('https:'))
      throw unavailable(this.#issuer, new Error(`${url} names keys at an address that is not https`))
    return found.data.jwks_uri
  }
}

/** Neither the cause nor the time that a retry takes is the fault of the token. */
export function unavailable({ name, issuer }: CiIssuer, cause: unknown): TrainyardError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new TrainyardError(
    'unavailable',
    `The keys of the issuer ${name} (${issuer}) cannot be read: ${reason.slice(0, 300)}. Try again in a minute`,
    { retryAfterSeconds: 60, cause },
  )
}

/** Follows no redirect and reads a limited answer: an issuer is trusted with identities, not with this machine. */
async function fetchLimited(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'manual' })
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel()
    throw new Error(`${url} redirects, which is not followed`)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_BYTES) throw new Error(`${url} answered with more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return new Response(Buffer.concat(chunks), { status: response.status, headers: response.headers })
}
