import type { ColumnType, Generated } from 'kysely'

/** A date as `YYYY-MM-DD`. */
type Day = ColumnType<string, string, string>

/** Pulls of a version on a day (UTC), each person and each bot counted once. */
export interface DailyPullTable {
  repository_id: number
  version: string
  day: Day
  people: Generated<number>
  bots: Generated<number>
}

/** Who has pulled from a trainer today, as a salted hash. */
export interface PullSubjectTable {
  day: Day
  repository_id: number
  subject: Uint8Array
}

export interface PullSaltTable {
  day: Day
  salt: string
}
