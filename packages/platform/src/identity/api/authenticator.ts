import type { AuthConfig } from '../config/auth-config.ts'
import type { Caller } from '../permissions/caller.ts'

/** The parts of a request that decide who sent it. A socket's handshake has them too. */
export interface RequestHead {
  method: string
  url: string
  headers: Headers
}

/** Finds out who sent a request. */
export interface Authenticator {
  readonly config: AuthConfig
  /** The origin under which browsers reach the server. */
  publicUrl(): string
  /** @throws TrainyardError `unauthenticated`, or `forbidden` for a request made by a page of another site */
  authenticate(request: RequestHead): Promise<Caller>
  /**
   * Counts a request that `authenticate` does not see, by who sent it: a subject whose credentials were accepted, or only an
   * address.
   *
   * @throws TrainyardError `rate_limited`
   */
  countRequest(request: Request, subject?: string | undefined): void
}
