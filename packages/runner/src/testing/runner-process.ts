/** A runner in a process of its own, so that a test can kill it: settings as JSON in the first argument. */
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { z } from 'zod'
import { createRunner } from '../create-runner.ts'
import { createFolderTrainerSource } from '../trainers/folder-source.ts'
import { PLAIN_TRAINER_DIR, TEST_SECRET } from './harness.ts'

const Settings = z.object({ port: z.number(), databaseUrl: z.string(), databaseSchema: z.string(), dir: z.string() })
const settings = Settings.parse(JSON.parse(process.argv[2] ?? ''))
const logger = createLogger({ name: 'test', level: 'silent' })

let answer: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 })
const server = await listen({ fetch: (request) => answer(request) }, { port: settings.port })
const store = createFolderStore({ dir: `${settings.dir}/store`, publicUrl: server.url, secret: TEST_SECRET })
const runner = await createRunner({
  config: {
    publicUrl: server.url,
    databaseUrl: settings.databaseUrl,
    databaseSchema: settings.databaseSchema,
    identitySchemaPrefix: `${settings.databaseSchema}_`,
    dataDir: `${settings.dir}/data`,
    heartbeatSeconds: 1,
    heartbeatTimeoutSeconds: 20,
    startTimeoutSeconds: 20,
    cancelGraceSeconds: 3,
    maxConcurrentJobs: 4,
    datasetCacheMaxGb: 1,
    limits: { reconcileIntervalMs: 50 },
  },
  store,
  logger,
  trainers: createFolderTrainerSource(PLAIN_TRAINER_DIR),
})
answer = (request) =>
  new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : runner.app.fetch(request)
await runner.start()
console.log(server.url)
