import type { MiddlewareHandler } from 'hono'
import { csrf } from 'hono/csrf'
import { secureHeaders } from 'hono/secure-headers'

const POLICY = 'Content-Security-Policy'

/** No inline scripts or styles, and nothing from other hosts. A response with a sandbox of its own keeps its policy. */
export function securityHeaders(): MiddlewareHandler {
  const setHeaders = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: 'DENY',
    referrerPolicy: 'strict-origin-when-cross-origin',
    crossOriginResourcePolicy: 'same-origin',
    crossOriginOpenerPolicy: 'same-origin',
    permissionsPolicy: { camera: [], geolocation: [], microphone: [], payment: [] },
    // Locally the pages are served over plain HTTP. The proxy that terminates TLS sets HSTS.
    strictTransportSecurity: false,
  })
  return async (c, next) => {
    let own: string | null = null
    await setHeaders(c, async () => {
      await next()
      own = c.res.headers.get(POLICY)
    })
    if (own !== null && /\bsandbox\b/.test(own)) c.res.headers.set(POLICY, own)
  }
}

/** Accepts forms from our own pages only: by `Sec-Fetch-Site`, or by the origin for browsers that do not send it. */
export function csrfProtection(): MiddlewareHandler {
  return csrf()
}
