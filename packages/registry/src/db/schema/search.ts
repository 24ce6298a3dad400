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
  /** The name in lower case without separators: `acme/yolo-fast` is `acmeyolofast`, and its short key `yolofast`. */
  name_key: string
  short_key: string
  /** Words of name and display name. */
  title: string
  /** All words, weighted. */
  body: string
}

/** Words of trainers that a mistyped word may mean, with the strings that remain when letters are left out. */
export interface SearchWordTable {
  word: string
  variants: string[]
}
