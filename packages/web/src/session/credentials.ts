import { createClient, type TrainyardClient } from '@trainyard/client'
import { DEVICE_COOKIE, PAGES_SECRET_HEADER, SESSION_COOKIE, type Session } from '@trainyard/contract'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'

interface ClientOptions {
  registryUrl: string
  runnerUrl: string
  fetch: typeof fetch
  pagesSecret?: string | undefined
}

/** The connection, where a Node server runs the pages. */
const Bindings = z.object({ incoming: z.object({ socket: z.object({ remoteAddress: z.string() }) }) })

/**
 * A client that acts for the sender of a request: with the session of the cookie, the sender's address, and the host name
 * that the sender sees, so that the servers can detect DNS rebinding.
 */
export function clientOf(c: Context, { registryUrl, runnerUrl, fetch, pagesSecret }: ClientOptions): TrainyardClient {
  const forwarded = forwardedHeaders(c)
  const isApi = (url: string) => [registryUrl, runnerUrl].some((base) => url.startsWith(`${base}/`))
  return createClient({
    registryUrl,
    runnerUrl,
    token: sessionOf(c),
    fetch: (input, init) => {
      const headers = new Headers(init?.headers)
      for (const [name, value] of forwarded) headers.set(name, value)
      // An object store, for example, must not learn it.
      if (pagesSecret !== undefined && isApi(urlOf(input))) headers.set(PAGES_SECRET_HEADER, pagesSecret)
      return fetch(input, { ...init, headers })
    },
  })
}

function urlOf(input: Parameters<typeof fetch>[0]): string {
  return input instanceof Request ? input.url : String(input)
}

function forwardedHeaders(c: Context): [string, string][] {
  const headers: [string, string][] = []
  const host = c.req.header('x-forwarded-host') ?? c.req.header('host')
  if (host !== undefined) headers.push(['x-forwarded-host', host])
  const bindings = Bindings.safeParse(c.env)
  const addresses = [
    c.req.header('x-forwarded-for'),
    bindings.success ? bindings.data.incoming.socket.remoteAddress : undefined,
  ].filter((address) => address !== undefined)
  if (addresses.length > 0) headers.push(['x-forwarded-for', addresses.join(', ')])
  return headers
}

export function hasSession(c: Context): boolean {
  return sessionOf(c) !== undefined
}

/** Anything else, such as a line break that the sender encoded, is no secret, and could not be sent in a header. */
const SECRET = /^[\x21-\x7e]{1,200}$/

function sessionOf(c: Context): string | undefined {
  const secret = getCookie(c, SESSION_COOKIE)
  return secret !== undefined && SECRET.test(secret) ? secret : undefined
}

/** The cookies are hidden from scripts and are not sent with forms of other sites. */
export function keepSession(c: Context, session: Pick<Session, 'secret' | 'expiresAt' | 'device'>): void {
  const keep = (name: string, { secret, expiresAt }: { secret: string; expiresAt: string }) =>
    setCookie(c, name, secret, {
      path: '/',
      httpOnly: true,
      sameSite: 'Lax',
      secure: isSecure(c),
      expires: new Date(expiresAt),
    })
  keep(SESSION_COOKIE, session)
  if (session.device !== undefined) keep(DEVICE_COOKIE, session.device)
}

/** The device that signed in before, which a sign-out does not forget. */
export function deviceOf(c: Context): string | undefined {
  // What is longer than a device's secret is none, and must not make the form fail.
  const device = getCookie(c, DEVICE_COOKIE)
  return device === undefined || device.length > 1000 ? undefined : device
}

export function forgetSession(c: Context): void {
  deleteCookie(c, SESSION_COOKIE, { path: '/', secure: isSecure(c) })
}

/** The origin that the sender of the request sees. */
export function originOf(c: Context): string {
  const host = c.req.header('x-forwarded-host') ?? c.req.header('host') ?? new URL(c.req.url).host
  return `${isSecure(c) ? 'https' : 'http'}://${host}`
}

export function isSecure(c: Context): boolean {
  return (c.req.header('x-forwarded-proto') ?? new URL(c.req.url).protocol).startsWith('https')
}

/** A path on these pages to return to. Anything else, such as an address of another site, becomes the start page. */
export function safePath(text: string | undefined): string {
  if (text === undefined || !text.startsWith('/')) return '/'
  const base = 'http://pages.invalid'
  if (!URL.canParse(text, base)) return '/'
  const url = new URL(text, base)
  return url.origin === base ? `${url.pathname}${url.search}` : '/'
}
