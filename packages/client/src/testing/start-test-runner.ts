import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Deprecation } from '@trainyard/contract'
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { createFolderTrainerSource, createRunner, type TrainerSource } from '@trainyard/runner'
import { createTrainerFolder, exampleManifest } from './test-trainer.ts'

export interface TestRunner extends AsyncDisposable {
  url: string
  /** The token of its owner. */
  token: string
}

interface TestRunnerOptions {
  /** The notice of the trainer's owner. */
  deprecation?: Deprecation | undefined
  /** Fields of `trainer.json` that differ from those of the example. */
  manifest?: Record<string, unknown> | undefined
}

/** Starts a real runner with one trainer. `trainer` is the text of its `train.mjs`. */
export async function startTestRunner(
  trainer: string,
  { deprecation, manifest }: TestRunnerOptions = {},
): Promise<TestRunner> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-client-test-'))
  const folder = await createTrainerFolder({
    'train.mjs': trainer,
    'trainer.json': JSON.stringify(Object.assign({}, exampleManifest, manifest)),
  })
  const logger = createLogger({ name: 'test', level: 'silent' })
  const schema = `test_${randomBytes(6).toString('hex')}`
  const config = {
    publicUrl: 'http://127.0.0.1:1',
    databaseUrl: testDatabaseUrl(),
    databaseSchema: schema,
    dataDir: dir,
    heartbeatSeconds: 1,
    heartbeatTimeoutSeconds: 60,
    startTimeoutSeconds: 60,
    cancelGraceSeconds: 5,
    maxConcurrentJobs: 1,
    datasetCacheMaxGb: 1,
    limits: { reconcileIntervalMs: 50 },
  }
  let answer: (request: Request) => Response | Promise<Response> = () => new Response('starting', { status: 503 })
  const server = await listen({ fetch: (request) => answer(request) }, { port: 0, drainMs: 50 })
  // Trainers call back at this address.
  config.publicUrl = server.url
  const store = createFolderStore({ dir: join(dir, 'store'), publicUrl: server.url, secret: 'a secret of tests' })
  const folders = createFolderTrainerSource(folder.dir)
  const trainers: TrainerSource = {
    resolve: async (reference) => ({ ...(await folders.resolve(reference)), deprecation }),
    fetchBundle: (resolved) => folders.fetchBundle(resolved),
  }
  const runner = await createRunner({ config, store, logger, trainers })
  answer = (request) =>
    new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : runner.app.fetch(request)
  await runner.start()
  return {
    url: server.url,
    token: await runner.context.identity.createOwnerToken(schema),
    async [Symbol.asyncDispose]() {
      await server.close()
      await runner.context.database.db.schema.dropSchema(schema).ifExists().cascade().execute()
      await runner.stop()
      await folder[Symbol.asyncDispose]()
      // A trainer that a test has started goes on without the runner, and may write its last lines now.
      await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}
