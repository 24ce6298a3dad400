/**
 * `npm run release-fixture -- NAME`: writes data of this release to tests/fixtures/releases/NAME, so that later releases are
 * tested to read them. Run it once for each release.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startEmbeddedPostgres } from '@trainyard/platform'
import { createBackup } from './backup/create-backup.ts'
import { ROOT } from './lib/run.ts'
import { fillPlatform } from './release-fixture/fill-platform.ts'
import { openPlatform } from './release-fixture/open-platform.ts'

const [name] = process.argv.slice(2)
if (name === undefined || !/^[\w.-]+$/.test(name)) {
  console.error('expected the name of the release, such as 1.0.0')
  process.exit(2)
}
const dir = await mkdtemp(join(tmpdir(), 'trainyard-release-'))
const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
try {
  process.env.TEST_DATABASE_URL = postgres.url
  const platform = await openPlatform({ databaseUrl: postgres.url, start: true })
  try {
    const answers = await fillPlatform(platform)
    const to = join(ROOT, 'tests', 'fixtures', 'releases', name)
    const env = {
      DATABASE_URL: postgres.url,
      STORAGE_DIR: join(dirname(platform.runner.config.dataDir), 'store'),
    }
    await createBackup({ dataDir: dir, to, env, onProgress: () => {} })
    await writeFile(join(to, 'expected.json'), `${JSON.stringify(answers, null, 1)}\n`)
    console.log(`wrote ${to}`)
  } finally {
    await platform.close()
  }
} finally {
  await postgres.stop()
  await rm(dir, { recursive: true, force: true })
}
