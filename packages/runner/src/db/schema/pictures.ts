import type { PredictedObject } from '@trainyard/contract'
import type { ColumnType, GeneratedAlways, Selectable } from 'kysely'
import type { Timestamp } from '../columns.ts'

export interface PictureResult {
  objects?: PredictedObject[] | undefined
  /** Set where only some of the objects were read. */
  objectCount?: number | undefined
  inferenceTimeMs?: number | undefined
  error?: string | undefined
}

/** A picture that a person sent to a checkpoint. Its bytes are the artifact with the same id. */
export interface PicturesTable {
  id: string
  /** The order in which they came. */
  position: GeneratedAlways<number>
  job_id: number
  checkpoint_id: string
  /** As the sender named it. */
  name: string
  width: number
  height: number
  result: ColumnType<PictureResult | null, string | null | undefined, string | null>
  created_at: Timestamp
  finished_at: Date | null
}

export type PictureRow = Selectable<PicturesTable>
