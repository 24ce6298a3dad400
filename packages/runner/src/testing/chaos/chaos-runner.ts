/** One replica in a process of its own, to be killed: settings as JSON in the first argument. Its port is its first line. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { z } from 'zod'
import { createRunner, type Runner } from '../../create-runner.ts'
import { LAUNCHERS } from '../../launchers/create-launcher.ts'
import { createFolderTrainerSource } from '../../trainers/folder-source.ts'

const Settings = z.object({
  publicUrl: z.string(),
  databaseUrl: z.string(),
  databaseSchema: z.string(),
  dir: z.string(),
  secret: z.string(),
  launcher: z.enum(LAUNCHERS),
  sandbox: z.enum(['auto', 'bubblewrap', 'none']),
})
export type ChaosRunnerSettings = z.infer<typeof Settings>
const settings = Settings.parse(JSON.parse(process.argv[2] ?? ''))
const logger = createLogger({
  name: 'chaos',
  level: process.env.TEST_LOG_LEVEL ?? 'silent',
  destination: process.stderr,
})
const { publicUrl, dir } = settings
const trainers = createFolderTrainerSource(fileURLToPath(new URL('../../../fixtures/chaos-trainer', import.meta.url)))

let answer: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 })
const server = await listen({ fetch: (request) => answer(request) }, { port: 0 })
const store = createFolderStore({ dir: `${dir}/store`, publicUrl, secret: settings.secret })

/** The database may be away just now. */
async function start(): Promise<Runner> {
  for (;;) {
    try {
      const runner = await createRunner({
        config: {
          publicUrl,
          databaseUrl: settings.databaseUrl,
          databaseSchema: settings.databaseSchema,
          identitySchemaPrefix: `${settings.databaseSchema}_`,
          dataDir: `${dir}/data`,
          launcher: settings.launcher,
          subprocess: { sandbox: settings.sandbox },
          heartbeatSeconds: 1,
          heartbeatTimeoutSeconds: 30,
          startTimeoutSeconds: 60,
          cancelGraceSeconds: 5,
          maxConcurrentJobs: 6,
          datasetCacheMaxGb: 1,
          limits: {
            reconcileIntervalMs: 100,
            leaseSeconds: 5,
            retryBackoffSeconds: 0.1,
            retryBackoffMaxSeconds: 1,
            maxFreeRetries: 1000,
          },
        },
        store,
        logger,
        trainers,
      })
      await runner.start()
      return runner
    } catch (error) {
      logger.warn({ err: error }, 'this replica could not start; it tries again')
      await sleep(100)
    }
  }
}

const runner = await start()
answer = (request) =>
  new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : runner.app.fetch(request)
console.log(server.port)
