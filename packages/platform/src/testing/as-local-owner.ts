import type { UpgradeHandler } from '../http/listen.ts'

type Handler = (request: Request) => Response | Promise<Response>

/** Handles requests without credentials as those of the local owner, whose token is `secret`. Not those of other sites. */
export function asLocalOwner(handle: Handler, secret: string): Handler {
  return (request) => {
    if (needsToken((name) => request.headers.get(name))) request.headers.set('authorization', `Bearer ${secret}`)
    return handle(request)
  }
}

/** The same for sockets. */
export function asLocalOwnerOfSockets(upgrade: UpgradeHandler, secret: string): UpgradeHandler {
  return (request, ...rest) => {
    if (needsToken((name) => request.headers[name]?.toString() ?? null))
      request.headers.authorization = `Bearer ${secret}`
    upgrade(request, ...rest)
  }
}

function needsToken(header: (name: 'authorization' | 'cookie' | 'origin' | 'host') => string | null): boolean {
  if (header('authorization') !== null || header('cookie') !== null) return false
  const origin = header('origin')
  return origin === null || origin === `http://${header('host')}`
}
