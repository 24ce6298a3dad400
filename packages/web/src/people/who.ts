import { TrainyardApiError, type TrainyardClient } from '@trainyard/client'
import type { Me } from '@trainyard/contract'

/** Who looks at a page: as far as the servers say so. */
export type Who =
  | { state: 'signed-in' | 'local'; name: string }
  | { state: 'nobody' }
  /** The servers did not say; a page is shown all the same. */
  | { state: 'unknown' }

/** Asks the servers. A page about something else must not fail because of it. */
export async function findWho(client: TrainyardClient): Promise<Who> {
  try {
    return toWho(await client.identity.me())
  } catch (error) {
    if (error instanceof TrainyardApiError && error.status === 401) return { state: 'nobody' }
    return { state: 'unknown' }
  }
}

function toWho({ account, credentials }: Me): Who {
  const name = account?.displayName ?? account?.email ?? 'Somebody'
  return { state: credentials === 'local' ? 'local' : 'signed-in', name }
}
