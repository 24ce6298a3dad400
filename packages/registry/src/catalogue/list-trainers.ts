import type { TaskType, TrainerList, TrainerSummary } from '@trainyard/contract'
import { formatCursor, parseCursor } from '@trainyard/platform'
import { type RawBuilder, type Selectable, sql } from 'kysely'
import { z } from 'zod'
import type { RegistryContext } from '../context.ts'
import type { RepositoryTable } from '../db/schema/repositories.ts'

export interface ListTrainersOptions {
  /** Words or beginnings of words. */
  q?: string | undefined
  task?: TaskType | undefined
  framework?: string | undefined
  cursor?: string | undefined
  /** Default 20. */
  limit?: number | undefined
}

/** The sort key of the last row of a page: score, pulls, name. */
const Cursor = z.tuple([z.string().regex(/^\d{1,20}(\.\d{1,20})?$/), z.number().int(), z.string()])
type Cursor = z.infer<typeof Cursor>

/** Trigram similarity, from 0 to 1, above which a word counts as a typo of another. */
const MIN_SIMILARITY = 0.45
const MAX_FRAMEWORKS = 50

/** Lists published trainers: best match first, then by number of pulls, then by name. */
export async function listTrainers(context: RegistryContext, options: ListTrainersOptions): Promise<TrainerList> {
  const { task, framework, limit = 20 } = options
  const words = (options.q ?? '').toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const after = options.cursor === undefined ? undefined : parseCursor(Cursor, options.cursor)
  const { matches, score } = search(words, context.trigramSchema)
  const ofAnyFramework = sql<boolean>`latest_version is not null
    and ${task === undefined ? sql`true` : sql`${task} = any(task_types)`}
    and ${matches}`
  const filter = sql<boolean>`${ofAnyFramework} and ${framework === undefined ? sql`true` : sql`framework = ${framework}`}`
  const found = sql`select *, round((${score})::numeric, 6) as score from repositories where ${filter}`
  const next = after === undefined ? sql`true` : isAfter(after)
  const { rows } = await sql<Selectable<RepositoryTable> & { score: string }>`
    select * from (${found}) found where ${next} order by score desc, pulls desc, name limit ${limit + 1}
  `.execute(context.database.db)
  const total = await sql<{ total: number }>`select count(*) as total from repositories where ${filter}`.execute(
    context.database.db,
  )
  const frameworks = await sql<{ name: string; count: number | string }>`
    select framework as name, count(*) as count from repositories where ${ofAnyFramework}
    group by framework order by count(*) desc, framework limit ${MAX_FRAMEWORKS}
  `.execute(context.database.db)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    trainers: page.map(toSummary),
    total: Number(total.rows[0]?.total ?? 0),
    nextCursor:
      rows.length > limit && last ? formatCursor([last.score, last.pulls, last.name] satisfies Cursor) : undefined,
    frameworks: frameworks.rows.map(({ name, count }) => ({ name, count: Number(count) })),
  }
}

export function toSummary(row: Selectable<RepositoryTable>): TrainerSummary {
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
  }
}

function search(
  words: readonly string[],
  trigramSchema: string | undefined,
): { matches: RawBuilder<boolean>; score: RawBuilder<number> } {
  if (words.length === 0) return { matches: sql`true`, score: sql`0` }
  // Words consist of letters and digits, so they cannot contain operators of tsquery.
  const query = sql`to_tsquery('simple', ${words.map((word) => `${word}:*`).join(' & ')})`
  const text = words.join(' ')
  const rank = sql`ts_rank(search, ${query})`
  if (trigramSchema === undefined) return { matches: sql`search @@ ${query}`, score: sql`${rank}` }
  const similarity = sql`${sql.id(trigramSchema, 'word_similarity')}(${text}, lower(name || ' ' || display_name))`
  return {
    matches: sql`(search @@ ${query} or ${similarity} > ${MIN_SIMILARITY})`,
    score: sql`${rank} + ${similarity}`,
  }
}

/** Continues the order of the list: score and pulls descending, name ascending. */
function isAfter([score, pulls, name]: Cursor): RawBuilder<boolean> {
  return sql`(score < ${score}::numeric
    or (score = ${score}::numeric and (pulls < ${pulls} or (pulls = ${pulls} and name > ${name}))))`
}
