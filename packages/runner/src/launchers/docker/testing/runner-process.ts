/**
 * A runner with containers in a process of its own, so that a test can kill it: settings as JSON in the first argument. Its
 * address, and its port for trainers, are its first line.
 */

import { ResolvedTrainer } from '@trainyard/contract'
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { z } from 'zod'
import { createRunner } from '../../../create-runner.ts'

const Settings = z.object({
  /** An address of this machine that containers reach. */
  host: z.string(),
  /** For trainers; the same each time, as those that run know only that one. */
  port: z.number(),
  databaseUrl: z.string(),
  databaseSchema: z.string(),
  dir: z.string(),
  trainer: ResolvedTrainer,
})
export type RunnerProcessSettings = z.infer<typeof Settings>
const { host, port, databaseUrl, databaseSchema, dir, trainer } = Settings.parse(JSON.parse(process.argv[2] ?? ''))
const logger = createLogger({ name: 'test', level: 'silent' })

type Answer = (request: Request) => Response | Promise<Response>
let answer: Answer = () => new Response(null, { status: 503 })
let answerTrainer = answer
// People are let in from this machine only; trainers come by their own door.
const server = await listen({ fetch: (request) => answer(request) }, { port: 0 })
const forTrainers = await listen({ fetch: (request) => answerTrainer(request) }, { host, port })
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
      throw new Error('there is only an image')
    },
  },
})
answer = (request) => runner.app.fetch(request)
answerTrainer = (request) => (runner.trainers?.app ?? runner.app).fetch(request)
await runner.start()
console.log(`${server.url} ${forTrainers.port}`)
