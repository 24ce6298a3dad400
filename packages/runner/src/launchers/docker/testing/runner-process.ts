/**
 * A runner with the Docker launcher in a process of its own, so that a test can kill it. Its first argument is the settings
 * as JSON. Its first line of output is its address and its port for trainers.
 */

import { ResolvedTrainer } from '@trainyard/contract'
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { asLocalOwner } from '@trainyard/platform/testing'
import { z } from 'zod'
import { createRunner } from '../../../create-runner.ts'

const Settings = z.object({
  /** An address of this machine that containers can reach. */
  host: z.string(),
  /** For trainers. The same after a restart, because running trainers keep using it. */
  port: z.number(),
  databaseUrl: z.string(),
  databaseSchema: z.string(),
  dir: z.string(),
  trainer: ResolvedTrainer,
})
export type RunnerProcessSettings = z.infer<typeof Settings>
const { host, port, databaseUrl, databaseSchema, dir, trainer } = Settings.parse(JSON.parse(process.argv[2] ?? ''))
const logger = createLogger({ name: 'test', level: 'silent' })

type Handler = (request: Request) => Response | Promise<Response>
let handle: Handler = () => new Response(null, { status: 503 })
let handleTrainer = handle
// The API is served on loopback only. Trainers use an address of their own.
const server = await listen({ fetch: (request) => handle(request) }, { port: 0 })
const forTrainers = await listen({ fetch: (request) => handleTrainer(request) }, { host, port })
const runner = await createRunner({
  config: {
    publicUrl: server.url,
    callbackUrl: forTrainers.url,
    databaseUrl,
    databaseSchema,
    identitySchemaPrefix: `${databaseSchema}_`,
    dataDir: dir,
    launcher: 'docker',
    heartbeatSeconds: 1,
    heartbeatTimeoutSeconds: 120,
    startTimeoutSeconds: 120,
    cancelGraceSeconds: 1,
    maxConcurrentJobs: 4,
    datasetCacheMaxGb: 1,
    limits: { reconcileIntervalMs: 50, retryBackoffSeconds: 0.02 },
  },
  store: createFolderStore({ dir: `${dir}/store`, publicUrl: server.url, secret: 'a secret of the tests' }),
  logger,
  trainers: {
    resolve: async () => trainer,
    fetchBundle: async () => {
      throw new Error('this trainer has an image only')
    },
  },
})
const owner = await runner.context.identity.createOwnerToken('test')
handle = asLocalOwner((request) => runner.app.fetch(request), owner)
handleTrainer = (request) => (runner.trainers?.app ?? runner.app).fetch(request)
await runner.start()
console.log(`${server.url} ${forTrainers.port}`)
