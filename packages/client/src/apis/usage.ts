import { type UsageBy, UsageReport } from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

export interface UsageQuery {
  /** What a row stands for. Default: `project`. */
  by?: UsageBy | undefined
  /** `YYYY-MM-DD`, in UTC. Default: the first of the month. */
  from?: string | undefined
  /** Included. Default: today. */
  to?: string | undefined
  /** `organisation/project`. Default: every project that the caller can see. */
  project?: string | undefined
  /** Of the whole installation, for operators. */
  all?: boolean | undefined
}

/** What was used, and what it costs. */
export interface UsageClient {
  report(query?: UsageQuery): Promise<UsageReport>
  /** The same as a CSV file. */
  csv(query?: UsageQuery): Promise<Response>
}

export function createUsageClient(connect: Connect): UsageClient {
  return {
    report: (query) => fetchJson(connect, UsageReport, { path: '/v1/usage', query: { ...query } }),
    csv: (query) => send(connect(), { path: '/v1/usage.csv', query: { ...query } }),
  }
}
