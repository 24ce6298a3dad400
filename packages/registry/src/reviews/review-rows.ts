import type { Review } from '@trainyard/contract'
import { notFound } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'

/** Reviews with the name of their trainer and how often their authors ran the version. */
export function selectReviews(db: Kysely<RegistryDatabase>) {
  return db
    .selectFrom('reviews')
    .innerJoin('repositories', 'repositories.id', 'reviews.repository_id')
    .selectAll('reviews')
    .select((by) => [
      'repositories.name as trainer',
      by
        .selectFrom('runs')
        .select(sql<number>`count(*)::int`.as('runs'))
        .whereRef('runs.repository_id', '=', 'reviews.repository_id')
        .whereRef('runs.subject', '=', 'reviews.subject')
        .whereRef('runs.version', '=', 'reviews.version')
        .where('runs.outcome', '<>', 'cancelled')
        .as('runs'),
    ])
}

export type ReviewRow = Awaited<ReturnType<ReturnType<typeof selectReviews>['execute']>>[number]

/** The reviews as the caller sees them. `reports`: their open reports, for moderators. */
export async function toReviews(
  { identity }: RegistryContext,
  caller: RegistryCaller,
  rows: readonly ReviewRow[],
  reports: ReadonlyMap<string, string[]> = new Map(),
): Promise<Review[]> {
  const subjects = [...new Set(rows.map(({ subject }) => subject))]
  const accounts =
    subjects.length === 0
      ? []
      : await identity.database.db
          .selectFrom('accounts')
          .select(['id', 'display_name'])
          .where('id', 'in', subjects)
          .execute()
  const names = new Map(accounts.map(({ id, display_name }) => [id, display_name]))
  return rows.map((row) => ({
    id: row.id,
    trainer: row.trainer,
    version: row.version,
    rating: row.rating,
    text: row.text,
    author: names.get(row.subject) ?? row.subject,
    runs: Math.max(1, row.runs ?? 0),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at > row.created_at ? row.updated_at.toISOString() : undefined,
    reply:
      row.reply === null || row.replied_at === null ? undefined : { text: row.reply, at: row.replied_at.toISOString() },
    isOwn: row.subject === caller.subject,
    hiddenReason: row.hidden_reason ?? undefined,
    reports: reports.get(row.id),
  }))
}

/** One review as the caller sees it. @throws TrainyardError `not_found` */
export async function getReview(context: RegistryContext, caller: RegistryCaller, id: string): Promise<Review> {
  const row = await selectReviews(context.database.db).where('reviews.id', '=', id).executeTakeFirst()
  const [review] = row === undefined ? [] : await toReviews(context, caller, [row])
  if (review === undefined) throw notFound('review', id)
  return review
}
