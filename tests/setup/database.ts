import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One real PostgreSQL for the whole run: the one at DATABASE_URL, or an embedded one in a folder of its own. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.DATABASE_URL) {
    process.env.TEST_DATABASE_URL = process.env.DATABASE_URL
    return undefined
  }
  const { startEmbeddedPostgres } = await import('@trainyard/platform')
  const dataDir = await mkdtemp(join(tmpdir(), 'trainyard-test-postgres-'))
  const postgres = await startEmbeddedPostgres({ dataDir })
  process.env.TEST_DATABASE_URL = postgres.url
  return async () => {
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
