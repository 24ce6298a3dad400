import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createLogger } from '@trainyard/platform'
import { describe } from 'vitest'
import { ATTACK_LIMITS, attackCases } from '../attacks.cases.ts'
import { readDockerConfig } from './config.ts'
import { connectEngine } from './engine.ts'
import { createDockerLauncher } from './launcher.ts'

const image = await connectEngine()
  .getImage('node:24-bookworm-slim')
  .inspect()
  .catch(() => undefined)
if (image === undefined)
  console.warn('SKIPPED: attacks in Docker. It needs a Docker engine that has the image node:24-bookworm-slim')

describe.skipIf(image === undefined)('with a Docker engine', () => {
  attackCases({
    name: 'docker',
    create: async (victims) => {
      const launcher = await createDockerLauncher({
        config: { ...readDockerConfig(process.env), pidsLimit: ATTACK_LIMITS.processes },
        instanceId: randomUUID(),
        datasetCacheDir: join(victims.dataDir, 'datasets'),
        datasetCacheMaxGb: 1,
        logger: createLogger({ name: 'test', level: 'silent' }),
      })
      return { launcher, trainer: { type: 'image', reference: image?.Id ?? '' }, close: async () => {} }
    },
    succeeding: [
      // Containers have a route to the outside. DOCKER_NETWORK or a firewall can forbid it.
      'reaches the metadata address of the cloud',
      'reaches the network of the machine',
      // Docker's own filter of this version allows them, within the container.
      'uses io_uring',
      'traces a process',
      // The engine counts the files of a volume by their names.
      'fills the disk with deleted files',
    ],
  })
})
