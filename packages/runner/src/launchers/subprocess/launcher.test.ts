import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@trainyard/platform'
import { launcherCases } from '../conformance.cases.ts'
import { createSubprocessLauncher } from './launcher.ts'

launcherCases('subprocess', async () => {
  const dir = await mkdtemp(join(tmpdir(), "trainyard launcher's "))
  const launcher = createSubprocessLauncher({
    attemptsDir: join(dir, 'attempts'),
    datasetCacheDir: join(dir, 'datasets'),
    datasetCacheMaxGb: 1,
    logger: createLogger({ name: 'test', level: 'silent' }),
  })
  return { launcher, trainer: { type: 'folder', dir }, close: () => rm(dir, { recursive: true, force: true }) }
})
