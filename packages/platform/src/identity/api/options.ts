import type { Context } from 'hono'
import { clientAddress } from '../../http/client-address.ts'
import type { Logger } from '../../log.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller } from '../permissions/caller.ts'
import type { Authenticator } from './authenticator.ts'

export interface IdentityRoutesOptions {
  identity: IdentityStore
  authenticator: Authenticator
  logger: Logger
}

// Both read the options when a request arrives: the OpenAPI document is made from routes that have no authenticator.

export async function callerOf({ authenticator }: IdentityRoutesOptions, c: Context): Promise<Caller> {
  return await authenticator.authenticate(c.req.raw)
}

export function addressOf({ authenticator }: IdentityRoutesOptions, c: Context): string {
  return clientAddress(c.req.raw, authenticator.config.trustedProxies)
}
