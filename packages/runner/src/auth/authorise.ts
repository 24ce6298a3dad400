import type { Caller, RequestHead } from '@trainyard/platform'
import type { Context } from 'hono'
import type { RunnerContext } from '../context.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Set by the guard, on every route for people. */
    caller: Caller
  }
}

/**
 * The caller of a request, found by token, by session, or by being on this machine. Takes the handshake of a WebSocket as
 * `{ method, url, headers }`.
 *
 * @throws TrainyardError `unauthenticated`, or `forbidden` for a request from a page of another site
 */
export async function authorise(context: RunnerContext, request: RequestHead): Promise<Caller> {
  return await context.authenticator.authenticate(request)
}

/** The caller that the guard found. */
export function callerOf(c: Context): Caller {
  const caller = c.get('caller')
  // A route that was mounted before the guard must fail instead of running without a caller.
  if (caller === undefined) throw new Error(`${c.req.path} is not guarded`)
  return caller
}
