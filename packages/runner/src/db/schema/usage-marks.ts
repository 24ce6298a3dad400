/** Until when something was counted in `usage_days`. */
export interface UsageMarksTable {
  name: 'storage'
  at: Date
}
