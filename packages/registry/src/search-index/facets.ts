import type { DatasetFormat, ExportFormat, TaskType, TrainerFacets } from '@trainyard/contract'
import type { Selectable } from 'kysely'
import type { SearchFacetTable } from '../db/schema/search.ts'

export interface SearchFilters {
  task?: TaskType | undefined
  framework?: string | undefined
  export?: ExportFormat | undefined
  reads?: DatasetFormat | undefined
  license?: string | undefined
  tier?: string | undefined
}

export type Facet = Selectable<SearchFacetTable>

/** Values of a facet that are listed. More would not fit a page. */
const MAX_VALUES = 50

const VALUES: Readonly<Record<keyof SearchFilters, (facet: Facet) => readonly string[]>> = {
  task: (facet) => facet.task_types,
  framework: (facet) => [facet.framework],
  export: (facet) => facet.export_formats,
  reads: (facet) => facet.dataset_formats,
  license: (facet) => [facet.license],
  tier: (facet) => (facet.tier === '' ? [] : [facet.tier]),
}
const NAMES = ['task', 'framework', 'export', 'reads', 'license', 'tier'] as const

interface Choice {
  /** Combinations that pass all filters, by their number: 1. */
  isChosen: Uint8Array
  /** The only filter that a combination does not pass, as an index of `NAMES`; -1 if it passes all, -2 if several fail. */
  failing: Int8Array
}

interface FacetValue {
  /** An index of `NAMES`. */
  facet: number
  value: string
}

/** The combinations of filter values of a catalogue, with a number for each combination and for each value. */
export class FacetGroups {
  readonly #numbers = new Map<number, number>()
  /** By combination: the numbers of its values. */
  readonly #valuesOf: number[][] = []
  readonly #values: FacetValue[] = []
  readonly #known = NAMES.map(() => new Map<string, number>())

  get size(): number {
    return this.#valuesOf.length
  }

  has(id: number): boolean {
    return this.#numbers.has(id)
  }

  numberOf(id: number): number {
    const number = this.#numbers.get(id)
    if (number === undefined) throw new Error(`the combination ${id} of filter values was not read`)
    return number
  }

  add(facet: Facet): void {
    if (this.has(facet.id)) return
    this.#numbers.set(facet.id, this.#valuesOf.length)
    this.#valuesOf.push(
      NAMES.flatMap((name, index) => VALUES[name](facet).map((value) => this.#numberOfValue(index, value))),
    )
  }

  #numberOfValue(facet: number, value: string): number {
    const known = this.#known[facet]?.get(value)
    if (known !== undefined) return known
    this.#known[facet]?.set(value, this.#values.length)
    return this.#values.push({ facet, value }) - 1
  }

  choose(filters: SearchFilters): Choice {
    const failing = new Int8Array(this.size).fill(-1)
    for (const [index, name] of NAMES.entries()) {
      const value = filters[name]
      if (value === undefined) continue
      // A value that no trainer has leaves none.
      const number = this.#known[index]?.get(value) ?? -1
      for (const [group, values] of this.#valuesOf.entries())
        if (!values.includes(number)) failing[group] = failing[group] === -1 ? index : -2
    }
    return { failing, isChosen: Uint8Array.from(failing, (fails) => (fails === -1 ? 1 : 0)) }
  }

  /** How many trainers each value would leave: all filters apply but that of the same facet. `counts` is by combination. */
  count(counts: Int32Array, { failing }: Choice): TrainerFacets {
    const totals = new Int32Array(this.#values.length)
    const facetOf = Int8Array.from(this.#values, ({ facet }) => facet)
    for (const [group, values] of this.#valuesOf.entries()) {
      const trainers = counts[group] ?? 0
      const fails = failing[group] ?? -2
      if (trainers === 0 || fails === -2) continue
      for (const value of values)
        if (fails === -1 || facetOf[value] === fails) totals[value] = (totals[value] ?? 0) + trainers
    }
    const list = (name: keyof SearchFilters) =>
      [...(this.#known[NAMES.indexOf(name)] ?? [])]
        .map(([value, number]) => ({ value, count: totals[number] ?? 0 }))
        .filter(({ count }) => count > 0)
        .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
        .slice(0, MAX_VALUES)
    return {
      task: list('task'),
      framework: list('framework'),
      export: list('export'),
      reads: list('reads'),
      license: list('license'),
      tier: list('tier'),
    }
  }
}
