import type { DatasetFormat, ExportFormat, TaskType } from '@trainyard/contract'
import type { Generated } from 'kysely'

/** One combination of filter values. Rows never change. Arrays are sorted. */
export interface SearchFacetTable {
  id: Generated<number>
  task_types: TaskType[]
  framework: string
  export_formats: ExportFormat[]
  dataset_formats: DatasetFormat[]
  license: string
  tier: string
}

/** What search knows of a trainer with a published version. */
export interface SearchEntryTable {
  repository_id: number
  facet_id: number
  /** Pulls and trust on a logarithmic scale: changes rarely, so that a pull does not rewrite the indexes. */
  popularity: number
  /** The version of the code that made the entry. Older entries are made again when a registry starts. */
  indexed_as: number
  published_at: Date
  name: string
  /** One line a weight: words of name and display name, other tags, description. Words are separated by spaces. */
  words: string
  /** False for a trainer without a listed version. The row stays, so that other processes notice. */
  is_listed: boolean
  /** Whether `popularity` counts a verified owner. */
  is_verified: boolean
  /** The transaction that wrote the row. */
  changed: Generated<string>
}

/** Words of trainers that a mistyped word may mean, with the strings that remain when letters are left out. */
export interface SearchWordTable {
  word: string
  variants: string[]
}
