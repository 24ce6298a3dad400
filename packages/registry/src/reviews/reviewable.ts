import { TrainyardError } from '@trainyard/platform'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'

/** Whether a person sent the request, and not a program with a token. */
function isPerson({ credentials, actor }: RegistryCaller): boolean {
  return credentials !== 'none' && actor.credentials !== 'token' && actor.credentials !== undefined
}

/** @throws TrainyardError `unauthenticated` or `forbidden` for a program */
export function requirePerson(caller: RegistryCaller, what: string): void {
  if (caller.credentials === 'none') throw new TrainyardError('unauthenticated', `Sign in to ${what}`)
  if (!isPerson(caller))
    throw new TrainyardError('forbidden', `Only a person who is signed in can ${what}; a token cannot`)
}

/** The versions that the caller ran, newest run first, or why it cannot review the trainer. */
export async function findReviewable(
  { database }: Pick<RegistryContext, 'database'>,
  caller: RegistryCaller,
  { id, name, namespace }: { id: number; name: string; namespace: string },
): Promise<{ reviewable: string[]; problem?: string | undefined }> {
  if (caller.credentials === 'none') return { reviewable: [], problem: `Sign in, and run ${name}, to review it` }
  if (!isPerson(caller)) return { reviewable: [], problem: 'Only a person who is signed in can write a review' }
  if (caller.may('inspect', name))
    return { reviewable: [], problem: `Members of ${namespace} do not review its trainers` }
  const rows = await database.db
    .selectFrom('runs')
    .select(({ fn }) => ['version', fn.max('ended_at').as('last')])
    .where('repository_id', '=', id)
    .where('subject', '=', caller.subject)
    .where('outcome', '<>', 'cancelled')
    .groupBy('version')
    .orderBy('last', 'desc')
    .limit(100)
    .execute()
  if (rows.length > 0) return { reviewable: rows.map(({ version }) => version) }
  return { reviewable: [], problem: `Only those who ran ${name} can review it: no runner has stated a run of yours` }
}
