import { TrainyardApiError, type TrainyardClient } from '@trainyard/client'
import type { Me } from '@trainyard/contract'
import type { Context } from 'hono'
import { t } from '../words/t.ts'
import { hasSession } from './credentials.ts'

/** The person who views a page, as far as the servers report it. */
export type Viewer =
  | { state: 'signed-in'; name: string }
  | { state: 'anonymous' }
  /** The servers did not answer. The page is shown without a name. */
  | { state: 'unknown' }

/** Whether a person opens a page, whose header then has the name. Scripts and streams ask for something else. */
export function isPageView(c: Context): boolean {
  return c.req.method === 'GET' && hasSession(c) && /\btext\/html\b/.test(c.req.header('accept') ?? '')
}

/** Asks the servers who sent the request. Never throws: a page about something else must not fail because of it. */
export async function findViewer(client: TrainyardClient): Promise<Viewer> {
  try {
    return toViewer(await client.identity.me())
  } catch (error) {
    if (error instanceof TrainyardApiError && error.status === 401) return { state: 'anonymous' }
    return { state: 'unknown' }
  }
}

function toViewer({ account }: Me): Viewer {
  return { state: 'signed-in', name: account?.displayName ?? account?.email ?? t('Unnamed account') }
}
