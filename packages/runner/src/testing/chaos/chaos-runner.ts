/** One replica in a process of its own, to be killed: settings as JSON in the first argument. Its port is its first line. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { z } from 'zod'
import { createRunner, type Runner } from '../../create-runner.ts'
import { LAUNCHERS } from '../../launchers/create-launcher.ts'
import { readDockerConfig } from '../../launchers/docker/config.ts'
import { type KubernetesConfig, readKubernetesConfig } from '../../launchers/kubernetes/config.ts'
import { chaosTrainer } from './chaos-trainer.ts'

const CANCEL_GRACE_SECONDS = 5

const Settings = z.object({
  publicUrl: z.string(),
  /** Where trainers find the replicas, when that is not the same. */
  callbackUrl: z.string().optional(),
  databaseUrl: z.string(),
  databaseSchema: z.string(),
  dir: z.string(),
  secret: z.string(),
  /** Where trainers say that they live. */
  witnessUrl: z.string(),
  launcher: z.enum(LAUNCHERS),
  sandbox: z.enum(['auto', 'bubblewrap', 'none']),
  /** Holds Node, by its digest: for launchers of images. */
  image: z.string().optional(),
  /** The launcher's own settings, as environment variables. */
  docker: z.record(z.string(), z.string()).optional(),
  kubernetes: z.record(z.string(), z.string()).optional(),
  /** Jobs at a time of one replica. Default: 6. */
  places: z.number().optional(),
})
export type ChaosRunnerSettings = z.infer<typeof Settings>
const settings = Settings.parse(JSON.parse(process.argv[2] ?? ''))
const logger = createLogger({
  name: 'chaos',
  level: process.env.TEST_LOG_LEVEL ?? 'silent',
  destination: process.stderr,
})
const { publicUrl, dir } = settings
const trainers = chaosTrainer(settings.image, settings.witnessUrl)

type Answer = (request: Request) => Response | Promise<Response>
let answer: Answer = () => new Response(null, { status: 503 })
let answerTrainer: Answer = answer
const server = await listen({ fetch: (request) => answer(request) }, { port: 0 })
const forTrainers = await listen({ fetch: (request) => answerTrainer(request) }, { port: 0 })
const store = createFolderStore({ dir: `${dir}/store`, publicUrl, secret: settings.secret })

/** Pods get little, so that many fit. */
function kubernetesConfig(env: Record<string, string>): KubernetesConfig {
  const runner = { cancelGraceSeconds: CANCEL_GRACE_SECONDS, datasetCacheMaxGb: 1 }
  const resources = { cpu: 0.01, memoryMb: 96, shmMb: 16, diskGb: 1 }
  return { ...readKubernetesConfig(env, runner), profiles: { default: { resources } } }
}

/** The database may be away just now. */
async function start(): Promise<Runner> {
  for (;;) {
    try {
      const runner = await createRunner({
        config: {
          publicUrl,
          ...(settings.callbackUrl === undefined ? {} : { callbackUrl: settings.callbackUrl }),
          databaseUrl: settings.databaseUrl,
          databaseSchema: settings.databaseSchema,
          identitySchemaPrefix: `${settings.databaseSchema}_`,
          dataDir: `${dir}/data`,
          launcher: settings.launcher,
          ...(settings.docker === undefined ? {} : { docker: readDockerConfig(settings.docker) }),
          ...(settings.kubernetes === undefined ? {} : { kubernetes: kubernetesConfig(settings.kubernetes) }),
          subprocess: { sandbox: settings.sandbox },
          heartbeatSeconds: 1,
          heartbeatTimeoutSeconds: 30,
          startTimeoutSeconds: 120,
          cancelGraceSeconds: CANCEL_GRACE_SECONDS,
          maxConcurrentJobs: settings.places ?? 6,
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
const withStore =
  (app: { fetch: Answer }): Answer =>
  (request) =>
    new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : app.fetch(request)
answer = withStore(runner.app)
answerTrainer = withStore(runner.trainers?.app ?? runner.app)
console.log(`${server.port} ${forTrainers.port}`)
