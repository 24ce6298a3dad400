/** A runner in a process of its own, so that a test can kill it. Its first argument is the settings as JSON. */
import { createFolderStore, createLogger, isMain, listen } from '@trainyard/platform'
import { asLocalOwner } from '@trainyard/platform/testing'
import { z } from 'zod'
import { createRunner } from '../create-runner.ts'
import { readObservabilityConfig } from '../observability/config.ts'
import { createFolderTrainerSource } from '../trainers/folder-source.ts'
import { PLAIN_TRAINER_DIR, TEST_SECRET } from './harness.ts'
import { testOrchestrator } from './test-orchestrator.ts'

const Settings = z.object({
  port: z.number(),
  databaseUrl: z.string(),
  databaseSchema: z.string(),
  dir: z.string(),
  /** Settings of backends, as environment variables. Default: none. */
  observability: z.record(z.string(), z.string()).optional(),
  /** For standard error. Default: silent. */
  logLevel: z.enum(['info', 'warn', 'silent']).optional(),
})
export type RunnerProcessSettings = z.infer<typeof Settings>

async function main(settings: RunnerProcessSettings): Promise<void> {
  const { dir, observability, logLevel = 'silent' } = settings
  const logger = createLogger({ name: 'test', level: logLevel, destination: process.stderr })
  let handle: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 })
  const server = await listen({ fetch: (request) => handle(request) }, { port: settings.port })
  const store = createFolderStore({ dir: `${dir}/store`, publicUrl: server.url, secret: TEST_SECRET })
  // A short lease, so that the next runner does not wait a minute for the attempts of a killed one.
  const limits = { intervalMs: 50, leaseSeconds: 2, callTimeoutMs: 1500, retryMs: 50, maxRetryMs: 500 }
  const runner = await createRunner({
    config: {
      publicUrl: server.url,
      databaseUrl: settings.databaseUrl,
      databaseSchema: settings.databaseSchema,
      identitySchemaPrefix: `${settings.databaseSchema}_`,
      dataDir: `${dir}/data`,
      heartbeatSeconds: 1,
      heartbeatTimeoutSeconds: 20,
      startTimeoutSeconds: 20,
      cancelGraceSeconds: 3,
      maxConcurrentJobs: 4,
      datasetCacheMaxGb: 1,
      ...testOrchestrator(),
      limits: { reconcileIntervalMs: 50 },
      metrics: { open: true },
      observability: observability && { ...readObservabilityConfig(observability), limits },
    },
    store,
    logger,
    trainers: createFolderTrainerSource(PLAIN_TRAINER_DIR),
  })
  const owner = await runner.context.identity.createOwnerToken(`test ${process.pid}`)
  const app = asLocalOwner((request) => runner.app.fetch(request), owner)
  handle = (request) =>
    new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : app(request)
  await runner.start()
  console.log(server.url)
}

if (isMain(import.meta.url)) await main(Settings.parse(JSON.parse(process.argv[2] ?? '')))
