import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@trainyard/platform'
import { it } from 'vitest'
import { launcherCases } from '../conformance.cases.ts'
import { createSubprocessLauncher } from './launcher.ts'
import { findSandbox } from './sandbox/find-sandbox.ts'
import type { Sandbox } from './sandbox/sandbox.ts'

const logger = createLogger({ name: 'test', level: 'silent' })

const cases = (
  name: string,
  find: (dataDirs: string[]) => Promise<Sandbox | undefined>,
  { egress }: { egress?: string[] | undefined } = {},
) =>
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
    await mkdir(join(dir, 'trainer'))
    return {
      launcher,
      trainer: { type: 'folder', dir: join(dir, 'trainer') },
      close: () => rm(dir, { recursive: true, force: true }),
    }
  })

cases('subprocess', async () => undefined)

for (const kind of ['bubblewrap', 'util-linux'] as const) {
  const found = await findSandbox({ choice: kind, dataDirs: [], logger }).catch(() => undefined)
  if (found?.sandbox === undefined) it.skip(`the subprocess launcher in ${kind} (needs ${kind} and user namespaces)`)
  else {
    const find = async (dataDirs: string[]) => (await findSandbox({ choice: kind, dataDirs, logger })).sandbox
    // A network of its own comes on top of everything else that a sandbox does, so one suite covers both.
    if (found.sandbox.ownNetwork) cases(`subprocess in ${kind} with a network of its own`, find, { egress: [] })
    else cases(`subprocess in ${kind}`, find)
  }
}
