import type { ModerateReviewRequest, ReportReviewRequest, Review } from '@trainyard/contract'
import { clientAddress, notFound, TrainyardError } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import { requireCaller } from '../auth/authenticate.ts'
import { requireModerator } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { auditNamespace, type NamespaceRequest } from '../names/namespace-request.ts'
import { namespaceOf } from '../oci/names.ts'
import { refreshTrainer } from '../search/refresh-trainer.ts'
import { getReview, type ReviewRow, selectReviews, toReviews } from './review-rows.ts'
import { requirePerson } from './reviewable.ts'

const MAX_REPORTED = 200
/** Of one account, so that none buries the others' reports. */
const MAX_OPEN_REPORTS = 50

type ReviewRequest = Omit<NamespaceRequest, 'namespace'>

export async function reviewRequestOf(context: RegistryContext, raw: Request): Promise<ReviewRequest> {
  const address = clientAddress(raw, context.authenticator.config)
  return { context, caller: await requireCaller(context, raw), address }
}

/** Tells moderators what is wrong with a review. An account reports one once; again, it replaces its reason. */
export async function reportReview(request: ReviewRequest, id: string, { reason }: ReportReviewRequest): Promise<void> {
  const { context, caller } = request
  requirePerson(caller, 'report a review')
  await context.database.transaction(async (trx) => {
    const review = await selectReviews(trx)
      .where('reviews.id', '=', id)
      .where('reviews.hidden_at', 'is', null)
      .executeTakeFirst()
    if (review === undefined) throw notFound('review', id)
    if (review.subject === caller.subject)
      throw new TrainyardError('conflict', 'This review is yours: change or delete it')
    const open = await trx
      .selectFrom('review_reports')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .where('subject', '=', caller.subject)
      .where('decided_at', 'is', null)
      .executeTakeFirstOrThrow()
    if (Number(open.count) >= MAX_OPEN_REPORTS)
      throw new TrainyardError('conflict', `${open.count} of your reports wait for a moderator, which is the maximum`)
    const values = { reason, created_at: context.clock.now(), decided_at: null }
    await trx
      .insertInto('review_reports')
      .values({ review_id: id, subject: caller.subject, ...values })
      .onConflict((conflict) => conflict.columns(['review_id', 'subject']).doUpdateSet(values))
      .execute()
    await audit(request, trx, { action: 'review.report', review, data: { reason } })
  })
}

/** The reviews with open reports, for moderators. */
export async function listReported({ context, caller }: ReviewRequest): Promise<Review[]> {
  requireModerator(caller, 'moderate reviews')
  const reports = await context.database.db
    .selectFrom('review_reports')
    .select(['review_id', 'reason'])
    .where('decided_at', 'is', null)
    .orderBy('created_at')
    .limit(1000)
    .execute()
  const byReview = Map.groupBy(reports, ({ review_id }) => review_id)
  const ids = [...byReview.keys()].slice(0, MAX_REPORTED)
  if (ids.length === 0) return []
  const rows = await selectReviews(context.database.db).where('reviews.id', 'in', ids).execute()
  rows.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))
  const reasons = new Map([...byReview].map(([id, of]) => [id, of.map(({ reason }) => reason)]))
  return await toReviews(context, caller, rows, reasons)
}

/** Hides a review, or shows it (again). Its reports are decided with it. */
export async function moderateReview(
  request: ReviewRequest,
  id: string,
  { decision, note }: ModerateReviewRequest,
): Promise<Review> {
  const { context, caller } = request
  requireModerator(caller, 'moderate reviews')
  const now = context.clock.now()
  const isHidden = decision === 'hide'
  await context.database.transaction(async (trx) => {
    const review = await selectReviews(trx).where('reviews.id', '=', id).forUpdate('reviews').executeTakeFirst()
    if (review === undefined) throw notFound('review', id)
    await trx
      .updateTable('reviews')
      .set({
        hidden_reason: isHidden ? (note ?? null) : null,
        hidden_by: isHidden ? caller.subject : null,
        hidden_at: isHidden ? now : null,
      })
      .where('id', '=', id)
      .execute()
    await trx
      .updateTable('review_reports')
      .set({ decided_at: now })
      .where('review_id', '=', id)
      .where('decided_at', 'is', null)
      .execute()
    await refreshTrainer(trx, context.config, review.repository_id)
    await audit(request, trx, { action: `review.${decision}`, review, data: { note } })
  })
  return await getReview(context, caller, id)
}

async function audit(
  request: ReviewRequest,
  trx: Transaction<RegistryDatabase>,
  { action, review, data }: { action: string; review: ReviewRow; data: Record<string, unknown> },
): Promise<void> {
  const namespace = namespaceOf(review.trainer)
  await auditNamespace({ ...request, namespace }, trx, {
    action,
    subject: review.trainer,
    data: { review: review.id, ...data },
  })
}
