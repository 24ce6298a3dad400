/** The runner's own tables: there is nothing to set. Where links lead is `PAGES_URL`, which all backends share. */
export type DatabaseConfig = Readonly<Record<string, never>>

export function readDatabaseConfig(): DatabaseConfig {
  return {}
}
