import type { TrainerFacets } from '@trainyard/contract'
import { type RawBuilder, sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { byBitmap, type SearchDb } from './by-bitmap.ts'
import { countFacets, type FacetCount, isChosen, readFacets, type SearchFilters } from './facets.ts'
import { findCorrections } from './find-corrections.ts'
import { queryWords, tsqueryOf } from './words.ts'

/** `relevance`: best match first; without a query, the most popular first. */
export type SearchSort = 'relevance' | 'popular' | 'newest' | 'name'

/** The position after a row: the phase of the ranking, the value that it sorts by, and the id of the row. */
export interface SearchPosition {
  phase: number
  value: number | string
  id: number
}

export interface SearchOptions {
  q: string
  filters: SearchFilters
  sort: SearchSort
  after: SearchPosition | undefined
  limit: number
}

export interface SearchResult {
  /** In order. `position` continues after the trainer. */
  found: { id: number; position: SearchPosition }[]
  isLast: boolean
  total: number
  facets: TrainerFacets
  /** The words that were understood in place of mistyped ones. */
  corrected: string | undefined
}

/** A query as PostgreSQL takes it. */
interface TextQuery {
  /** Every word, as a beginning. */
  prefix: string
  exact: string
  /** All words without spaces: a name without separators. */
  key: string
}

/** Matches that are ranked by their words. What remains of a larger result follows by popularity. */
const RANKED = 500
/** Above this number the most popular matches are found sooner in the order of popularity than in the index of words. */
const BROAD = 20_000
/** The last phase: no ranking by words. */
const BY_COLUMN = 1

/** Finds published trainers. The order is total, so that pages neither repeat nor skip one. */
export async function searchTrainers(context: RegistryContext, options: SearchOptions): Promise<SearchResult> {
  const words = queryWords(options.q)
  const understood = await findCorrections(context, words)
  const first = await searchOnce(context, options, words, understood)
  if (first.total > 0 || words.length === 0) return first
  // Each word begins some word, but not of one trainer.
  const corrections = await findCorrections(context, words, { even: 'known' })
  if (corrections.size === 0) return first
  const second = await searchOnce(context, options, words, corrections)
  return second.total > 0 ? second : first
}

async function searchOnce(
  context: RegistryContext,
  options: SearchOptions,
  words: readonly string[],
  corrections: ReadonlyMap<string, readonly string[]>,
): Promise<SearchResult> {
  const understood = words.map((word) => corrections.get(word)?.[0] ?? word)
  const text: TextQuery | undefined =
    words.length === 0
      ? undefined
      : {
          prefix: tsqueryOf(words, { alternatives: corrections }),
          exact: tsqueryOf(understood, { exact: true }),
          key: understood.join(''),
        }
  const { filters } = options
  const isFiltered = Object.values(filters).some((value) => value !== undefined)
  const counts = await countByFacet(context, text)
  const chosen = counts.filter(({ facet }) => isChosen(facet, filters))
  const total = chosen.reduce((sum, { count }) => sum + count, 0)
  const facets = isFiltered ? chosen.map(({ facet }) => facet.id) : undefined
  const found = await findPage(context, text, { ...options, facets, total })
  return {
    found: found.slice(0, options.limit),
    isLast: found.length <= options.limit,
    total,
    facets: countFacets(counts, filters),
    corrected: corrections.size === 0 ? undefined : understood.join(' '),
  }
}

async function countByFacet(context: RegistryContext, text: TextQuery | undefined): Promise<FacetCount[]> {
  const count = (db: SearchDb) =>
    sql<{ facet_id: number; count: number }>`
      select facet_id, count(*)::int as count from search_entries
      where ${text === undefined ? sql`true` : sql`body @@ ${text.prefix}::tsquery`} group by facet_id
    `.execute(db)
  const { rows } = text === undefined ? await count(context.database.db) : await byBitmap(context, count)
  const facets = await readFacets(
    context.database.db,
    rows.map((row) => row.facet_id),
  )
  return rows.flatMap((row) => {
    const facet = facets.get(row.facet_id)
    return facet === undefined ? [] : [{ facet, count: row.count }]
  })
}

interface PageOptions extends Pick<SearchOptions, 'sort' | 'after' | 'limit'> {
  /** The combinations that the filters leave. Undefined without filters. */
  facets: readonly number[] | undefined
  /** How many trainers match. */
  total: number
}

async function findPage(
  context: RegistryContext,
  text: TextQuery | undefined,
  options: PageOptions,
): Promise<SearchResult['found']> {
  const { sort, after, limit } = options
  if (text === undefined || sort !== 'relevance') return await findByColumn(context, text, [], options)
  const ranked = await findRanked(context, text, options)
  const rest = ranked.filter(
    ({ position }) =>
      after === undefined ||
      (after.phase < BY_COLUMN &&
        (position.value < after.value || (position.value === after.value && position.id > after.id))),
  )
  if (rest.length > limit || ranked.length < RANKED) return rest.slice(0, limit + 1)
  const others = await findByColumn(
    context,
    text,
    ranked.map(({ id }) => id),
    { ...options, sort: 'popular', after: after?.phase === BY_COLUMN ? after : undefined },
  )
  return [...rest, ...others].slice(0, limit + 1)
}

const isOf = (facets: readonly number[] | undefined): RawBuilder<boolean> =>
  facets === undefined ? sql`true` : sql`facet_id = any(${[...facets]}::int[])`

/** The most popular matches and those in the title, best first. */
async function findRanked(
  context: RegistryContext,
  text: TextQuery,
  options: PageOptions,
): Promise<SearchResult['found']> {
  const { prefix, exact, key } = text
  const { facets, total } = options
  const most = (column: 'title' | 'body') => sql<{ id: number }>`
    select repository_id as id from search_entries where ${sql.ref(column)} @@ ${prefix}::tsquery and ${isOf(facets)}
    order by popularity desc, repository_id limit ${RANKED}`
  const isBroad = total > BROAD
  const ofAll = await (isBroad ? most('body').execute(context.database.db) : undefined)
  const { rows } = await byBitmap(context, async (db) => {
    // All matches are ranked where they are few, and those in the title are among them.
    const parts = [
      ofAll ?? (await most('body').execute(db)),
      total > RANKED ? await most('title').execute(db) : undefined,
    ]
    const candidates = new Set(parts.flatMap((part) => part?.rows ?? []).map(({ id }) => id))
    return await sql<{ id: number; score: number }>`
      select repository_id as id, round(1000 * (
        case when name_key = ${key} then 1000 when short_key = ${key} then 100 else 0 end
        + case when title @@ ${exact}::tsquery then 7 when title @@ ${prefix}::tsquery then 5 else 0 end
        + 8 * ts_rank('{0.02, 0.1, 0.4, 1}', body, ${prefix}::tsquery)
        + popularity * 0.1))::int as score
      from search_entries where repository_id in (
        select unnest(${[...candidates]}::int[])
        union (select repository_id from search_entries where name_key = ${key} and ${isOf(facets)})
        union (select repository_id from search_entries where short_key = ${key} and ${isOf(facets)} limit ${RANKED}))
      order by score desc, repository_id
    `.execute(db)
  })
  return rows.map(({ id, score }) => ({ id, position: { phase: 0, value: score, id } }))
}

/** Trainers by one column, without those that were shown already. */
async function findByColumn(
  context: RegistryContext,
  text: TextQuery | undefined,
  shown: readonly number[],
  { sort, after, limit, facets, total }: PageOptions,
): Promise<SearchResult['found']> {
  const { value, order, next } = columnOf(sort, after)
  const find = (db: SearchDb) =>
    sql<{ id: number; value: number | string }>`
      select repository_id as id, ${value} as value from search_entries
      where ${text === undefined ? sql`true` : sql`body @@ ${text.prefix}::tsquery`} and ${isOf(facets)} and ${next}
        and ${shown.length === 0 ? sql`true` : sql`repository_id <> all(${[...shown]}::int[])`}
      order by ${order} limit ${limit + 1}
    `.execute(db)
  const isBroad = text === undefined || total > BROAD
  const { rows } = isBroad ? await find(context.database.db) : await byBitmap(context, find)
  return rows.map(({ id, value: position }) => ({ id, position: { phase: BY_COLUMN, value: position, id } }))
}

function columnOf(sort: SearchSort, after: SearchPosition | undefined) {
  const start = sql<boolean>`true`
  if (sort === 'name')
    return {
      value: sql`name`,
      order: sql`name`,
      next: after === undefined ? start : sql<boolean>`name > ${String(after.value)}`,
    }
  if (sort === 'newest')
    return {
      value: sql`published_at::text`,
      order: sql`published_at desc, repository_id`,
      next:
        after === undefined
          ? start
          : sql<boolean>`published_at <= ${String(after.value)}::timestamptz
              and (published_at < ${String(after.value)}::timestamptz or repository_id > ${after.id})`,
    }
  return {
    value: sql`popularity`,
    order: sql`popularity desc, repository_id`,
    next:
      after === undefined
        ? start
        : sql<boolean>`popularity <= ${Number(after.value)}
            and (popularity < ${Number(after.value)} or repository_id > ${after.id})`,
  }
}
