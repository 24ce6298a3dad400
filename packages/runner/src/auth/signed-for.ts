import { type Caller, type JobTokenClaims, type ObjectStore, signedFor } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'

interface WithStore {
  store: ObjectStore
}

/** The same context; what it signs ends with the caller's token or session. An external issuer's token has no id here. */
export function signingForCaller<T extends WithStore>(context: T, { tokenId }: Pick<Caller, 'tokenId'>): T {
  if (tokenId === undefined) return context
  return { ...context, store: signedFor(context.store, { kind: 'token', id: tokenId }) }
}

/** The same context; what it signs ends with the attempt. */
export function signingForAttempt<T extends WithStore>(context: T, { jobId, attempt }: JobTokenClaims): T {
  return { ...context, store: signedFor(context.store, { kind: 'attempt', id: `${jobId}.${attempt}` }) }
}

/** Tells the store how to check for whom it has signed. */
export function checkBearers({ store, identity, database }: RunnerContext): void {
  store.checkBearers?.('token', async (id) => (await identity.findCallerOfToken(id)) !== undefined)
  store.checkBearers?.('attempt', async (id) => {
    const [, jobId, attempt] = /^(\d{1,15})\.(\d{1,9})$/.exec(id) ?? []
    if (jobId === undefined || attempt === undefined) return false
    const open = await database.query({ name: 'find-open-attempt', text: OPEN_ATTEMPT }, [jobId, attempt])
    return open.length > 0
  })
}

/** Each request of a signed URL runs it, so it is prepared. */
const OPEN_ATTEMPT = `select 1 from attempts join jobs on jobs.id = attempts.job_id and jobs.attempt = attempts.attempt
  where attempts.job_id = $1 and attempts.attempt = $2 and closed_at is null`
