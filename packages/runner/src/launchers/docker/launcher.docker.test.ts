import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@trainyard/platform'
import { afterAll, describe } from 'vitest'
import { launcherCases } from '../conformance.cases.ts'
import { readDockerConfig } from './config.ts'
import { connectEngine } from './engine.ts'
import { createDockerLauncher } from './launcher.ts'

const docker = connectEngine()
const image = await docker
  .getImage('node:24-bookworm-slim')
  .inspect()
  .catch(() => undefined)
if (image === undefined)
  console.warn('SKIPPED: the Docker launcher. It needs a Docker engine that has the image node:24-bookworm-slim')

const instanceId = randomUUID()
const datasetCacheDir = mkdtempSync(join(tmpdir(), 'trainyard-datasets-'))
const logger = createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' })

describe.skipIf(image === undefined)('with a Docker engine', () => {
  afterAll(async () => {
    rmSync(datasetCacheDir, { recursive: true })
  })

  launcherCases('docker', async () => {
    const launcher = await createDockerLauncher({
      config: readDockerConfig(process.env),
      instanceId,
      datasetCacheDir,
      datasetCacheMaxGb: 1,
      logger,
    })
    return { launcher, trainer: { type: 'image', reference: image?.Id ?? '' }, close: async () => {} }
  })
})
