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

const callers = new WeakMap<Request, Promise<Caller>>()

// Both read the options when a request arrives: the OpenAPI document is made from routes that have no authenticator.

/** Authenticates a request once, however often it is called. */
export async function callerOf({ authenticator }: IdentityRoutesOptions, c: Context): Promise<Caller> {
  const known = callers.get(c.req.raw)
  if (known !== undefined) return await known
  const caller = authenticator.authenticate(c.req.raw)
  callers.set(c.req.raw, caller)
  return await caller
}

export function addressOf({ authenticator }: IdentityRoutesOptions, c: Context): string {
  return clientAddress(c.req.raw, authenticator.config)
}
