import type { TrainyardClient } from '@trainyard/client'
import type { StoredEvent } from '@trainyard/contract'

/** Every stored event of a job, in order. */
export async function readEvents(client: TrainyardClient, job: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  let cursor: string | undefined
  do {
    const page = await client.jobs.events(job, { limit: 500, cursor })
    events.push(...page.events)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return events
}
