import type { Transaction } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { AttemptEnd } from '../jobs/statuses.ts'
import type { TerminalEvent } from '../journal/parse-events.ts'

/**
 * The end of an attempt whose `completed` event names files that have not arrived: it did not succeed. Undefined when all of
 * them are stored.
 */
export async function endOfMissingFiles(
  trx: Transaction<RunnerDatabase>,
  jobId: number,
  event: TerminalEvent,
): Promise<AttemptEnd | undefined> {
  const named = namesOf(event)
  if (named.length === 0) return undefined
  const rows = await trx
    .selectFrom('artifacts')
    .select('id')
    .where('job_id', '=', jobId)
    .where('id', 'in', named)
    .where('completed_at', 'is not', null)
    .execute()
  const arrived = new Set(rows.map(({ id }) => id))
  const missing = named.filter((id) => !arrived.has(id))
  if (missing.length === 0) return undefined
  const shown = missing.slice(0, 5).map((id) => JSON.stringify(id))
  const more = missing.length > shown.length ? ` and ${missing.length - shown.length} more` : ''
  const message = `The trainer reported "completed", but files that it named have not arrived: ${shown.join(', ')}${more}`
  return { reason: 'training_error', error: { errorType: 'CheckpointError', message } }
}

function namesOf(event: TerminalEvent): string[] {
  if (event.type !== 'completed') return []
  const { result } = event
  if (result.operation === 'train') return [...new Set(result.checkpointIds)]
  return result.artifactId === undefined ? [] : [result.artifactId]
}
