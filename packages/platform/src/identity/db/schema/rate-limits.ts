/** Attempts within a window, counted across all replicas. */
export interface RateLimitsTable {
  key: string
  count: number
  resets_at: Date
}
