import type { Generated } from 'kysely'
import type { JsonColumn } from '../json.ts'

/** What a scanner found in a layer. It stays true for these bytes, this version of the scanner, and these settings. */
export interface LayerResultTable {
  layer_digest: string
  scanner: string
  scanner_version: string
  settings: string
  result: JsonColumn<unknown>
  used_at: Generated<Date>
}
