import type { LogLevel, LogLine } from '@trainyard/contract'
import type { ColumnType, Selectable } from 'kysely'

export interface LogsTable {
  id: ColumnType<number, never, never>
  job_id: number
  attempt: number
  time: Date
  level: LogLevel
  source: LogLine['source']
  message: string
}

export type LogRow = Selectable<LogsTable>
