import type { MiddlewareHandler } from 'hono'
import { csrf } from 'hono/csrf'
import { secureHeaders } from 'hono/secure-headers'

/** No inline scripts or styles, nothing from elsewhere but the https images of a README. */
export function securityHeaders(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'https:'],
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
    // The pages are served over plain http on one's own machine; whoever terminates TLS decides about HSTS.
    strictTransportSecurity: false,
  })
}

/**
 * Forms are only taken from our own pages. `Sec-Fetch-Site` is what browsers say; the origin is compared for those that do not.
 */
export function csrfProtection(): MiddlewareHandler {
  return csrf()
}
