import type { TrainerFacets } from '@trainyard/contract'
import { FacetGroups, type SearchFilters } from './facets.ts'
import { BEST, IN_TITLE, WordIndex } from './word-index.ts'
import { keyOf, type Term } from './words.ts'

/** `relevance`: best match first; without a query, the most popular first. */
export type SearchSort = 'relevance' | 'popular' | 'newest' | 'name'

/** The position after a row: the value that it sorts by, and its id. */
export interface SearchPosition {
  value: number | string
  id: number
}

export interface IndexEntry {
  id: number
  facetId: number
  popularity: number
  /** Milliseconds since 1970. */
  publishedAt: number
  name: string
  /** One line a weight. */
  words: string
}

export interface IndexQuery {
  /** Undefined: every trainer. */
  text: { ways: readonly Term[][]; understood: ReadonlyMap<string, string>; key: string } | undefined
  filters: SearchFilters
  sort: SearchSort
  after: SearchPosition | undefined
  limit: number
}

export interface IndexResult {
  /** In order. `position` continues after the trainer. */
  found: { id: number; position: SearchPosition }[]
  isLast: boolean
  total: number
  facets: TrainerFacets
}

/** The rank of a match in points. Ten times the pulls are one point. */
const POINTS = { name: 1000, shortName: 100, wholeTitle: 7, title: 5, popularity: 0.1 }
/** Points of a word by its weight: description, tags, title. */
const WORD_POINTS = [0, 0.5, 2, 5]
/** Slots of changed trainers are collected when there are more than these and half of the others. */
const MIN_COLLECTED = 1000

/** The catalogue in memory: one slot a trainer, and the words with their slots. A changed trainer gets a new slot. */
export class SearchIndex {
  readonly groups = new FacetGroups()
  #words = new WordIndex()
  #entries: (Omit<IndexEntry, 'words'> | undefined)[] = []
  #slots = new Map<number, number>()
  #groupOf: number[] = []
  #byKey = new Map<string, number[]>()
  #byShortKey = new Map<string, number[]>()

  get size(): number {
    return this.#slots.size
  }

  /** Adds a trainer, or replaces it. Its combination of filter values must be known. */
  set(entry: IndexEntry): void {
    this.delete(entry.id)
    const slot = this.#entries.length
    const { words, ...rest } = entry
    this.#entries.push(rest)
    this.#groupOf.push(this.groups.numberOf(entry.facetId))
    this.#slots.set(entry.id, slot)
    this.#words.add(slot, words)
    this.#addKeys(slot, entry.name)
  }

  delete(id: number): void {
    const slot = this.#slots.get(id)
    if (slot === undefined) return
    this.#slots.delete(id)
    this.#entries[slot] = undefined
    if (this.#entries.length - this.size > MIN_COLLECTED + this.size / 2) this.#collect()
  }

  /** Makes searching fast after many trainers were added. */
  pack(): void {
    this.#words.pack()
  }

  hasBeginning(word: string): boolean {
    return this.#words.hasBeginning(word)
  }

  search({ text, filters, sort, after, limit }: IndexQuery): IndexResult {
    const choice = this.groups.choose(filters)
    const counts = new Int32Array(this.groups.size)
    const scores = text === undefined ? undefined : this.#score(text)
    const order = this.#orderOf(sort, scores)
    const page: number[] = []
    let total = 0
    for (let slot = 0; slot < this.#entries.length; slot++) {
      if (scores?.[slot] === NO_MATCH || this.#entries[slot] === undefined) continue
      const group = this.#groupOf[slot] ?? 0
      counts[group] = (counts[group] ?? 0) + 1
      if (choice.isChosen[group] !== 1) continue
      total++
      if (after === undefined || order.isAfter(slot, after)) keepFirst(page, slot, order.compare, limit + 1)
    }
    const found = page.slice(0, limit).flatMap((slot) => {
      const id = this.#entries[slot]?.id
      return id === undefined ? [] : [{ id, position: { value: order.valueOf(slot), id } }]
    })
    return { found, isLast: page.length <= limit, total, facets: this.groups.count(counts, choice) }
  }

  /** The rank of each slot in thousandths of a point. */
  #score({ ways, understood, key }: NonNullable<IndexQuery['text']>): Int32Array {
    const scores = new Int32Array(this.#entries.length).fill(NO_MATCH)
    const found = new Map<Term, Uint8Array>()
    for (const way of ways) {
      const terms = way.map((term) => {
        const marks =
          found.get(term) ?? this.#words.find(term, this.#entries.length, understood.get(term.word) ?? term.word)
        found.set(term, marks)
        return marks
      })
      this.#scoreWay(terms, scores)
    }
    for (const [slots, points] of [
      [this.#byShortKey.get(key), POINTS.shortName],
      [this.#byKey.get(key), POINTS.name],
    ] as const)
      for (const slot of slots ?? []) scores[slot] = Math.max(scores[slot] ?? 0, 0) + points * 1000
    return scores
  }

  #scoreWay(terms: readonly Uint8Array[], scores: Int32Array): void {
    const [first = new Uint8Array()] = terms
    for (let slot = 0; slot < first.length; slot++) {
      if (first[slot] === 0) continue
      let [points, weight, whole] = [0, BEST, IN_TITLE]
      for (const marks of terms) {
        const mark = marks[slot] ?? 0
        points += WORD_POINTS[mark & BEST] ?? 0
        weight = Math.min(weight, mark & BEST)
        whole &= mark
      }
      if (weight === 0) continue
      const title = whole === IN_TITLE ? POINTS.wholeTitle : weight === BEST ? POINTS.title : 0
      const popularity = (this.#entries[slot]?.popularity ?? 0) * POINTS.popularity
      const score = Math.round(1000 * (title + points / terms.length + popularity))
      if (score > (scores[slot] ?? 0)) scores[slot] = score
    }
  }

  #orderOf(sort: SearchSort, scores: Int32Array | undefined): Order {
    const entry = (slot: number) => this.#entries[slot]
    if (sort === 'name')
      return {
        valueOf: (slot) => entry(slot)?.name ?? '',
        compare: (a, b) => ((entry(a)?.name ?? '') < (entry(b)?.name ?? '') ? -1 : 1),
        isAfter: (slot, after) => (entry(slot)?.name ?? '') > String(after.value),
      }
    const column: (slot: number) => number =
      sort === 'newest'
        ? (slot) => entry(slot)?.publishedAt ?? 0
        : sort === 'relevance' && scores !== undefined
          ? (slot) => scores[slot] ?? 0
          : (slot) => entry(slot)?.popularity ?? 0
    const idOf = (slot: number) => entry(slot)?.id ?? 0
    return {
      valueOf: column,
      compare: (a, b) => column(b) - column(a) || idOf(a) - idOf(b),
      isAfter: (slot, { value, id }) => column(slot) < Number(value) || (column(slot) === value && idOf(slot) > id),
    }
  }

  #addKeys(slot: number, name: string): void {
    for (const [map, key] of [
      [this.#byKey, keyOf(name)],
      [this.#byShortKey, keyOf(name.slice(name.indexOf('/') + 1))],
    ] as const) {
      const slots = map.get(key)
      if (slots === undefined) map.set(key, [slot])
      else slots.push(slot)
    }
  }

  #collect(): void {
    const kept = [...this.#slots.values()].sort((a, b) => a - b)
    const moved = new Map(kept.map((slot, index) => [slot, index]))
    this.#words.pack((slot) => moved.get(slot))
    this.#entries = kept.map((slot) => this.#entries[slot])
    this.#groupOf = kept.map((slot) => this.#groupOf[slot] ?? 0)
    this.#slots = new Map()
    this.#byKey = new Map()
    this.#byShortKey = new Map()
    for (const [slot, entry] of this.#entries.entries()) {
      if (entry === undefined) continue
      this.#slots.set(entry.id, slot)
      this.#addKeys(slot, entry.name)
    }
  }
}

const NO_MATCH = -(2 ** 31)

interface Order {
  valueOf(slot: number): number | string
  compare(a: number, b: number): number
  isAfter(slot: number, position: SearchPosition): boolean
}

/** Keeps the first `count` slots in order. */
function keepFirst(kept: number[], slot: number, compare: Order['compare'], count: number): void {
  const last = kept.at(-1)
  if (kept.length >= count && last !== undefined && compare(slot, last) > 0) return
  let [low, high] = [0, kept.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(kept[middle] ?? 0, slot) < 0) low = middle + 1
    else high = middle
  }
  kept.splice(low, 0, slot)
  if (kept.length > count) kept.pop()
}
