/** Since when attempts are sent to a backend. The row is added when the backend is first configured. */
export interface ExperimentBackendsTable {
  backend: string
  since: Date
}
