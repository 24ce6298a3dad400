import type { Rating } from '@trainyard/contract'
import type { Kysely } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'

/** How many ratings of the average of all trainers count beside those of one. */
const WEIGHT = 5

/** How many reviews that are not hidden have one to five stars, by trainer. Those without reviews are absent. */
export async function countStars(
  db: Kysely<RegistryDatabase>,
  repositoryIds: readonly number[],
): Promise<Map<number, number[]>> {
  const counts = new Map<number, number[]>()
  if (repositoryIds.length === 0) return counts
  const rows = await db
    .selectFrom('reviews')
    .select(({ fn }) => ['repository_id', 'rating', fn.countAll<string>().as('count')])
    .where('repository_id', 'in', repositoryIds)
    .where('hidden_at', 'is', null)
    .groupBy(['repository_id', 'rating'])
    .execute()
  for (const { repository_id: id, rating, count } of rows)
    counts.set(id, (counts.get(id) ?? [0, 0, 0, 0, 0]).with(rating - 1, Number(count)))
  return counts
}

/** The ratings of trainers, by {@link countStars}. */
export async function toRatings(
  db: Kysely<RegistryDatabase>,
  stars: ReadonlyMap<number, readonly number[]>,
): Promise<Map<number, Rating>> {
  if (stars.size === 0) return new Map()
  const all = await db
    .selectFrom('reviews')
    .select(({ fn }) => fn.avg<string>('rating').as('mean'))
    .where('hidden_at', 'is', null)
    .executeTakeFirstOrThrow()
  return new Map(
    [...stars].map(([id, counts]) => {
      const count = counts.reduce((total, of) => total + of, 0)
      const sum = counts.reduce((total, of, index) => total + of * (index + 1), 0)
      const score = (WEIGHT * Number(all.mean) + sum) / (WEIGHT + count)
      return [id, { count, mean: rounded(sum / count), score: rounded(score) }]
    }),
  )
}

export async function readRatings(
  db: Kysely<RegistryDatabase>,
  repositoryIds: readonly number[],
): Promise<Map<number, Rating>> {
  return await toRatings(db, await countStars(db, repositoryIds))
}

const rounded = (value: number) => Math.round(value * 100) / 100
