/** No settings: it uses the runner's own tables. All backends share `PAGES_URL`, the origin of links. */
export type DatabaseConfig = Readonly<Record<string, never>>

export function readDatabaseConfig(): DatabaseConfig {
  return {}
}
