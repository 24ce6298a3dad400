import type { ReplyToReviewRequest, Review, WriteReviewRequest } from '@trainyard/contract'
import { invalidRequest, newId, notFound, TrainyardError } from '@trainyard/platform'
import { getVisible } from '../catalogue/find-version.ts'
import { type OwnerRequest, requireOwner } from '../lifecycle/owner.ts'
import { auditNamespace } from '../names/namespace-request.ts'
import { refreshTrainer } from '../search/refresh-trainer.ts'
import { getReview } from './review-rows.ts'
import { findReviewable, requirePerson } from './reviewable.ts'

/** Writes the caller's review of a trainer, or replaces it. A hidden one stays hidden. */
export async function writeReview(
  request: OwnerRequest,
  { version, rating, text }: WriteReviewRequest,
): Promise<Review> {
  const { context, caller, name } = request
  requirePerson(caller, 'write a review')
  const { repository } = await getVisible(context, caller, name)
  const { reviewable, problem } = await findReviewable(context, caller, repository)
  if (problem !== undefined) throw new TrainyardError('forbidden', problem)
  if (!reviewable.includes(version)) {
    const detail = `must be a version that you ran: ${reviewable.join(', ')}`
    throw invalidRequest([{ path: 'version', detail, value: version }])
  }
  const now = context.clock.now()
  const id = await context.database.transaction(async (trx) => {
    const values = { version, rating, text, updated_at: now }
    const { id } = await trx
      .insertInto('reviews')
      .values({
        ...values,
        id: newId('rev'),
        repository_id: repository.id,
        subject: caller.subject,
        created_at: now,
        reply: null,
        replied_by: null,
        replied_at: null,
        hidden_reason: null,
        hidden_by: null,
        hidden_at: null,
      })
      .onConflict((conflict) => conflict.columns(['repository_id', 'subject']).doUpdateSet(values))
      .returning('id')
      .executeTakeFirstOrThrow()
    await refreshTrainer(trx, context.config, repository.id)
    await auditNamespace(request, trx, { action: 'review.write', subject: name, data: { review: id, version, rating } })
    return id
  })
  return await getReview(context, caller, id)
}

export async function deleteReview(request: OwnerRequest): Promise<void> {
  const { context, caller, name } = request
  requirePerson(caller, 'delete a review')
  const { repository } = await getVisible(context, caller, name)
  await context.database.transaction(async (trx) => {
    const removed = await trx
      .deleteFrom('reviews')
      .where('repository_id', '=', repository.id)
      .where('subject', '=', caller.subject)
      .returning('id')
      .executeTakeFirst()
    if (removed === undefined) throw new TrainyardError('not_found', `You have not reviewed ${name}`)
    await refreshTrainer(trx, context.config, repository.id)
    await auditNamespace(request, trx, { action: 'review.delete', subject: name, data: { review: removed.id } })
  })
}

/** Sets the owners' reply to a review. Without a text, removes it. */
export async function replyToReview(
  request: OwnerRequest,
  id: string,
  reply: ReplyToReviewRequest | undefined,
): Promise<Review> {
  requireOwner(request)
  const { context, caller, name } = request
  await context.database.transaction(async (trx) => {
    const changed = await trx
      .updateTable('reviews')
      .set({
        reply: reply?.text ?? null,
        replied_by: reply === undefined ? null : caller.subject,
        replied_at: reply === undefined ? null : context.clock.now(),
      })
      .where('id', '=', id)
      .where('repository_id', 'in', (by) =>
        by.selectFrom('repositories').select('repositories.id').where('repositories.name', '=', name),
      )
      .returning('id')
      .executeTakeFirst()
    if (changed === undefined) throw notFound('review', id)
    const action = reply === undefined ? 'review.unreply' : 'review.reply'
    await auditNamespace(request, trx, { action, subject: name, data: { review: id } })
  })
  return await getReview(context, caller, id)
}
