import type { Caller, RequestHead } from '@trainyard/platform'
import type { Context } from 'hono'
import type { RunnerContext } from '../context.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Who asks, on every route of people. */
    caller: Caller
  }
}

/**
 * Who asks, by token, session, or being on this machine: for routes of people. A socket's handshake can be given as
 * `{ method, url, headers }`.
 *
 * @throws TrainyardError `unauthenticated`, or `forbidden` for a page of another site
 */
export async function authorise(context: RunnerContext, request: RequestHead): Promise<Caller> {
  return await context.authenticator.authenticate(request)
}

/** The caller that the guard found. */
export function callerOf(c: Context): Caller {
  const caller = c.get('caller')
  // A route outside the guard must not take nobody for somebody.
  if (caller === undefined) throw new Error(`${c.req.path} is not guarded`)
  return caller
}
