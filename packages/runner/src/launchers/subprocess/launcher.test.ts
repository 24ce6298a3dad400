import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@trainyard/platform'
import { it } from 'vitest'
import { launcherCases } from '../conformance.cases.ts'
import { findSandbox } from './find-sandbox.ts'
import { createSubprocessLauncher } from './launcher.ts'
import type { Sandbox } from './sandbox.ts'

const logger = createLogger({ name: 'test', level: 'silent' })

const cases = (name: string, find: (dataDirs: string[]) => Promise<Sandbox | undefined>, egress?: string[]) =>
  launcherCases(name, async () => {
    const dir = await mkdtemp(join(tmpdir(), "trainyard launcher's "))
    const launcher = createSubprocessLauncher({
      attemptsDir: join(dir, 'attempts'),
      datasetCacheDir: join(dir, 'datasets'),
      datasetCacheMaxGb: 1,
      logger,
      sandbox: await find([join(dir, 'attempts')]),
      egress,
    })
    return { launcher, trainer: { type: 'folder', dir }, close: () => rm(dir, { recursive: true, force: true }) }
  })

cases('subprocess', async () => undefined)

const found = await findSandbox({ choice: 'auto', dataDirs: [], logger })
if (found === undefined) it.skip('the subprocess launcher in bubblewrap (needs bubblewrap and user namespaces)')
else {
  const find = (dataDirs: string[]) => findSandbox({ choice: 'bubblewrap', dataDirs, logger })
  cases('subprocess in bubblewrap', find)
  if (found.ownNetwork) cases('subprocess with a network of its own', find, [])
}
