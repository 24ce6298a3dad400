import { ConfigError, createLogger, openDatabase, openIdentity } from '@trainyard/platform'
import { registryMigrations } from '../../packages/registry/src/db/migrations/index.ts'
import { runnerMigrations } from '../../packages/runner/src/db/migrations/index.ts'

/** Brings every schema to this version. Servers that run meanwhile wait, and so do other migrations. */
export async function migrateAll(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const { DATABASE_URL: url } = env
  if (url === undefined || url === '')
    throw new ConfigError('DATABASE_URL is not set; expected the address of a PostgreSQL 15 or newer')
  const logger = createLogger({ name: 'migrate', level: env.LOG_LEVEL || undefined })
  await (await openIdentity({ url, logger })).close()
  const schemas = [
    { schema: env.REGISTRY_DATABASE_SCHEMA || 'registry', migrations: registryMigrations },
    { schema: env.RUNNER_DATABASE_SCHEMA || 'runner', migrations: runnerMigrations },
  ]
  for (const { schema, migrations } of schemas) await (await openDatabase({ url, schema, migrations, logger })).close()
  logger.info('the database has the version of this program')
}
