import type { ReviewList } from '@trainyard/contract'
import { formatCursor, parseCursor } from '@trainyard/platform'
import { z } from 'zod'
import type { RegistryCaller } from '../auth/caller.ts'
import { getVisible } from '../catalogue/find-version.ts'
import type { RegistryContext } from '../context.ts'
import { countStars, toRatings } from '../ratings/read-ratings.ts'
import { selectReviews, toReviews } from './review-rows.ts'
import { findReviewable } from './reviewable.ts'

const Cursor = z.tuple([z.iso.datetime(), z.string().max(100)])

export interface ListReviewsOptions {
  name: string
  cursor?: string | undefined
  /** Default 20. */
  limit?: number | undefined
}

/** The reviews of a trainer that the caller may see, changed last first, and whether the caller can write one. */
export async function listReviews(
  context: RegistryContext,
  caller: RegistryCaller,
  { name, cursor, limit = 20 }: ListReviewsOptions,
): Promise<ReviewList> {
  const { repository } = await getVisible(context, caller, name)
  const { db } = context.database
  let query = selectReviews(db)
    .where('reviews.repository_id', '=', repository.id)
    .where('reviews.hidden_at', 'is', null)
    .orderBy('reviews.updated_at', 'desc')
    .orderBy('reviews.id', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) {
    const [at, id] = parseCursor(Cursor, cursor)
    query = query.where((by) => by(by.refTuple('reviews.updated_at', 'reviews.id'), '<', by.tuple(new Date(at), id)))
  }
  const rows = await query.execute()
  const own = await selectReviews(db)
    .where('reviews.repository_id', '=', repository.id)
    .where('reviews.subject', '=', caller.subject)
    .execute()
  const stars = await countStars(db, [repository.id])
  const last = rows.length > limit ? rows[limit - 1] : undefined
  const [ownReview] = await toReviews(context, caller, own)
  return {
    reviews: await toReviews(context, caller, rows.slice(0, limit)),
    nextCursor: last && formatCursor([last.updated_at.toISOString(), last.id]),
    rating: (await toRatings(db, stars)).get(repository.id),
    counts: stars.get(repository.id) ?? [0, 0, 0, 0, 0],
    own: ownReview,
    ...(await findReviewable(context, caller, repository)),
    mayReply: caller.may('push', name),
  }
}
