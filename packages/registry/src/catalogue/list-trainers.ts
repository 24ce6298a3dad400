import type { Rating, TrainerList, TrainerSummary } from '@trainyard/contract'
import { formatCursor, parseCursor } from '@trainyard/platform'
import type { Selectable } from 'kysely'
import { z } from 'zod'
import type { RegistryContext } from '../context.ts'
import type { RepositoryTable } from '../db/schema/repositories.ts'
import { verifiedAs } from '../names/verified-namespaces.ts'
import { readRatings } from '../ratings/read-ratings.ts'
import { searchTrainers } from '../search/search-trainers.ts'
import type { SearchFilters } from '../search-index/facets.ts'
import type { SearchSort } from '../search-index/search-index.ts'

export interface ListTrainersOptions extends SearchFilters {
  /** Words or beginnings of words. */
  q?: string | undefined
  /** Default: `relevance`. */
  sort?: SearchSort | undefined
  cursor?: string | undefined
  /** Default 20. */
  limit?: number | undefined
}

const MAX_ID = 2 ** 31 - 1
const Id = z.number().int().min(0).max(MAX_ID)
const score = z.number().int().min(-MAX_ID).max(MAX_ID)
/** What the next page follows: a sort, the value that it sorts by, and the id. */
const Cursor = z.union([
  z.tuple([z.enum(['relevance', 'popular']), score, Id]),
  z.tuple([z.literal('newest'), z.number().int(), Id]),
  z.tuple([z.literal('name'), z.string().max(200), Id]),
])

/** Lists published trainers that match, with the counts of every filter value in the whole result. */
export async function listTrainers(context: RegistryContext, options: ListTrainersOptions): Promise<TrainerList> {
  const { q = '', sort = 'relevance', cursor, limit = 20, ...filters } = options
  // The cursor of another sort begins its own first page.
  const [, value, id] =
    cursor === undefined
      ? []
      : parseCursor(
          Cursor.refine(([of]) => of === sort),
          cursor,
        )
  const after = value === undefined || id === undefined ? undefined : { value, id }
  const { found, isLast, total, facets, corrected } = await searchTrainers(context, { q, filters, sort, after, limit })
  const ids = found.map((one) => one.id)
  const rows =
    ids.length === 0
      ? []
      : await context.database.db.selectFrom('repositories').selectAll().where('id', 'in', ids).execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  const namespaces = [...new Set(rows.map((row) => row.namespace))]
  const owners =
    namespaces.length === 0 ? new Map<string, string[]>() : await verifiedAs(context.database.db, namespaces)
  const ratings = await readRatings(context.database.db, ids)
  const last = found.at(-1)?.position
  return {
    trainers: ids.flatMap((one) => {
      const row = byId.get(one)
      return row === undefined ? [] : [toSummary(row, owners, ratings)]
    }),
    total,
    nextCursor: isLast || last === undefined ? undefined : formatCursor([sort, last.value, last.id]),
    facets,
    corrected,
  }
}

/** `owners`: what verified namespaces own. */
export function toSummary(
  row: Selectable<RepositoryTable>,
  owners: ReadonlyMap<string, string[]>,
  ratings: ReadonlyMap<number, Rating>,
): TrainerSummary {
  return {
    name: row.name,
    displayName: row.display_name,
    description: row.description,
    latestVersion: row.latest_version ?? '',
    taskTypes: row.task_types,
    framework: row.framework,
    license: row.license,
    keywords: row.keywords,
    pulls: row.pulls,
    publishedAt: (row.published_at ?? row.created_at).toISOString(),
    verifiedAs: owners.get(row.namespace) ?? [],
    rating: ratings.get(row.id),
    trust: (row.latest_version === null ? null : row.latest_trust) ?? undefined,
  }
}
