import type { Rating } from '@trainyard/contract'
import type { Kysely } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'

/** How many ratings of the average of all trainers count beside those of one. */
const WEIGHT = 5

/** The ratings of trainers, without reviews that are hidden. Those without reviews are absent. */
export async function readRatings(
  db: Kysely<RegistryDatabase>,
  repositoryIds: readonly number[],
): Promise<Map<number, Rating>> {
  if (repositoryIds.length === 0) return new Map()
  const visible = db.selectFrom('reviews').where('hidden_at', 'is', null)
  const rows = await visible
    .select(({ fn }) => ['repository_id', fn.countAll<string>().as('count'), fn.sum<string>('rating').as('sum')])
    .where('repository_id', 'in', repositoryIds)
    .groupBy('repository_id')
    .execute()
  if (rows.length === 0) return new Map()
  const all = await visible.select(({ fn }) => fn.avg<string>('rating').as('mean')).executeTakeFirstOrThrow()
  return new Map(
    rows.map((row) => {
      const [count, sum] = [Number(row.count), Number(row.sum)]
      const score = (WEIGHT * Number(all.mean) + sum) / (WEIGHT + count)
      return [row.repository_id, { count, mean: rounded(sum / count), score: rounded(score) }]
    }),
  )
}

const rounded = (value: number) => Math.round(value * 100) / 100
