import type { Database } from '@trainyard/platform'
import { type RawBuilder, sql } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { type IndexEntry, SearchIndex } from './search-index.ts'

/** Rows that are read and indexed before other work of the process has its turn. */
const BATCH = 1000

/**
 * Keeps this process's index of the catalogue current. Every search first asks the database which entries have changed
 * since the last one. A transaction can end after later ones did, so each question begins at the oldest that was open
 * before; what was seen then is left out.
 */
export class SearchReader {
  readonly #database: Database<RegistryDatabase>
  #index: SearchIndex | undefined
  /** Every transaction before this one had ended when the index was read. */
  #horizon = '0'
  /** The rows at or after the horizon that the index has: the transaction that wrote each. */
  #seen = new Map<number, string>()
  #running: Promise<SearchIndex> | undefined
  #next: Promise<SearchIndex> | undefined

  constructor(database: Database<RegistryDatabase>) {
    this.#database = database
  }

  /** The index with everything that was committed before the call. Calls that wait at the same time share one question. */
  async read(): Promise<SearchIndex> {
    if (this.#running === undefined) return await this.#run()
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.#run()
      })
    return await this.#next
  }

  async #run(): Promise<SearchIndex> {
    const running = (this.#index === undefined ? this.#readAll() : this.#follow(this.#index)).finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return await running
  }

  async #readAll(): Promise<SearchIndex> {
    const index = new SearchIndex()
    const { horizon } = await this.#readChanges(undefined)
    for (let last: number | undefined = 0; last !== undefined; )
      last = await this.#readEntries(index, sql`repository_id > ${last} and is_listed`)
    index.pack()
    this.#horizon = horizon
    this.#seen = new Map()
    this.#index = index
    return index
  }

  async #follow(index: SearchIndex): Promise<SearchIndex> {
    const { horizon, changes } = await this.#readChanges(this.#horizon)
    const changed = changes.filter(({ id, by }) => this.#seen.get(id) !== by).map(({ id }) => id)
    for (let from = 0; from < changed.length; from += BATCH) {
      const ids = changed.slice(from, from + BATCH)
      const removed = new Set(ids)
      await this.#readEntries(index, sql`repository_id = any(${ids}::int[]) and is_listed`, removed)
      for (const id of removed) index.delete(id)
    }
    this.#seen = new Map(changes.map(({ id, by }) => [id, by]))
    this.#horizon = horizon
    return index
  }

  async #readChanges(
    since: string | undefined,
  ): Promise<{ horizon: string; changes: readonly { id: number; by: string }[] }> {
    const { rows } = await sql<{ horizon: string; changes: { id: number; by: string }[] | null }>`
      select pg_snapshot_xmin(pg_current_snapshot())::text as horizon, ${
        since === undefined
          ? sql`null::json`
          : sql`(select json_agg(json_build_object('id', repository_id, 'by', changed::text))
              from search_entries where changed >= ${since}::xid8)`
      } as changes
    `.execute(this.#database.db)
    const [row] = rows
    if (row === undefined) throw new Error('a query without a table gave no row')
    return { horizon: row.horizon, changes: row.changes ?? [] }
  }

  /** Adds the entries that meet a condition, and takes them out of `missing`. Gives the last id where there may be more. */
  async #readEntries(
    index: SearchIndex,
    condition: RawBuilder<unknown>,
    missing?: Set<number>,
  ): Promise<number | undefined> {
    const { rows } = await sql<IndexEntry>`
      select repository_id as id, facet_id as "facetId", popularity, name, words,
        round(extract(epoch from published_at) * 1000)::float8 as "publishedAt"
      from search_entries where ${condition} order by repository_id limit ${BATCH}
    `.execute(this.#database.db)
    const unknown = [...new Set(rows.map(({ facetId }) => facetId))].filter((id) => !index.groups.has(id))
    if (unknown.length > 0) {
      const facets = this.#database.db.selectFrom('search_facets').selectAll().where('id', 'in', unknown)
      for (const facet of await facets.execute()) index.groups.add(facet)
    }
    for (const row of rows) {
      index.set(row)
      missing?.delete(row.id)
    }
    return rows.length < BATCH ? undefined : rows.at(-1)?.id
  }
}

/**
 * A database that was restored on another server has rows of transactions with higher numbers than the server has given.
 * They become rows of a current transaction, so that later changes are not taken for these.
 */
export async function adoptRestoredEntries({ db }: Database<RegistryDatabase>): Promise<void> {
  await sql`update search_entries set changed = pg_current_xact_id() where changed > pg_current_xact_id()`.execute(db)
}
