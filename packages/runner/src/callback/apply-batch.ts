import type { EventsResponse } from '@trainyard/contract'
import { type JobTokenClaims, notFound } from '@trainyard/platform'
import type { CallbackContext } from './callback-context.ts'
import type { IntakeBatch } from './intake-batch.ts'
import type { StoreEventsResult } from './store-events.ts'

/** Stores a batch of an attempt and notifies the watchers of the job. */
export async function applyBatch(
  context: CallbackContext,
  { jobId, attempt }: Pick<JobTokenClaims, 'jobId' | 'attempt'>,
  input: Omit<IntakeBatch, 'jobId' | 'attempt'>,
): Promise<StoreEventsResult> {
  const result = await context.intake.store({ jobId, attempt, ...input })
  if (result === undefined) throw notFound('job', `${jobId}, attempt ${attempt}`)
  if (result.applied) {
    context.telemetry.batchStored(input.batch)
    context.hub.changed(jobId)
    if (input.batch.terminal !== undefined) context.hub.wake()
  }
  return result
}

/** Whether the trainer continues, for its response. */
export function continuation(result: StoreEventsResult): Pick<EventsResponse, 'shouldContinue' | 'reason'> {
  return result.stopReason === null ? { shouldContinue: true } : { shouldContinue: false, reason: result.stopReason }
}
