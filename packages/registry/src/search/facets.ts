import type { DatasetFormat, ExportFormat, TaskType, TrainerFacets } from '@trainyard/contract'
import type { Kysely, Selectable } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
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

export interface FacetCount {
  facet: Facet
  count: number
}

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

/** Whether a combination passes the filters, or those other than `except`. */
export function isChosen(facet: Facet, filters: SearchFilters, except?: keyof SearchFilters): boolean {
  return NAMES.every((name) => {
    const value = filters[name]
    return name === except || value === undefined || VALUES[name](facet).includes(value)
  })
}

/** How many trainers each value would leave: all filters apply but that of the same facet. */
export function countFacets(counts: readonly FacetCount[], filters: SearchFilters): TrainerFacets {
  const count = (name: keyof SearchFilters) => {
    const totals = new Map<string, number>()
    for (const { facet, count: trainers } of counts) {
      if (!isChosen(facet, filters, name)) continue
      for (const value of VALUES[name](facet)) totals.set(value, (totals.get(value) ?? 0) + trainers)
    }
    return [...totals]
      .map(([value, total]) => ({ value, count: total }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, MAX_VALUES)
  }
  return {
    task: count('task'),
    framework: count('framework'),
    export: count('export'),
    reads: count('reads'),
    license: count('license'),
    tier: count('tier'),
  }
}

/** Rows never change, so each process reads one once. */
const KNOWN = new WeakMap<Kysely<RegistryDatabase>, Map<number, Facet>>()
/** Above this number it is cheaper to read all than to name each. */
const MAX_NAMED = 1000

/** Reads combinations of filter values. */
export async function readFacets(
  db: Kysely<RegistryDatabase>,
  ids: readonly number[],
): Promise<ReadonlyMap<number, Facet>> {
  const known = KNOWN.get(db) ?? new Map<number, Facet>()
  KNOWN.set(db, known)
  const unknown = ids.filter((id) => !known.has(id))
  if (unknown.length === 0) return known
  const all = db.selectFrom('search_facets').selectAll()
  const rows = await (unknown.length > MAX_NAMED ? all : all.where('id', 'in', unknown)).execute()
  for (const facet of rows) known.set(facet.id, facet)
  return known
}
