/**
 * One replica in a process of its own, so that it can be killed. Its first argument is the settings as JSON. Its first line of
 * output is its port and its port for trainers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { asLocalOwner } from '@trainyard/platform/testing'
import { z } from 'zod'
import type { RunnerConfig } from '../../config.ts'
import { createRunner, type Runner } from '../../create-runner.ts'
import { LAUNCHERS } from '../../launchers/create-launcher.ts'
import { readDockerConfig } from '../../launchers/docker/config.ts'
import { type KubernetesConfig, readKubernetesConfig } from '../../launchers/kubernetes/config.ts'
import { chaosTrainer } from './chaos-trainer.ts'

const CANCEL_GRACE_SECONDS = 5

const Settings = z.object({
  publicUrl: z.string(),
  /** Where trainers reach the replicas. Default: `publicUrl`. */
  callbackUrl: z.string().optional(),
  databaseUrl: z.string(),
  databaseSchema: z.string(),
  dir: z.string(),
  secret: z.string(),
  /** Where trainers report that they run. */
  witnessUrl: z.string(),
  launcher: z.enum(LAUNCHERS),
  sandbox: z.enum(['auto', 'bubblewrap', 'none']),
  /** An image with Node, by digest, for launchers of images. */
  image: z.string().optional(),
  /** The launcher's own settings, as environment variables. */
  docker: z.record(z.string(), z.string()).optional(),
  kubernetes: z.record(z.string(), z.string()).optional(),
  /** Address of the Temporal server that orchestrates. Default: the database does. */
  temporal: z.string().optional(),
  /** Of one replica. Default: 6. */
  maxConcurrentJobs: z.number().optional(),
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

type Handler = (request: Request) => Response | Promise<Response>
let handle: Handler = () => new Response(null, { status: 503 })
let handleTrainer: Handler = handle
const server = await listen({ fetch: (request) => handle(request) }, { port: 0 })
const forTrainers = await listen({ fetch: (request) => handleTrainer(request) }, { port: 0 })
const store = createFolderStore({ dir: `${dir}/store`, publicUrl, secret: settings.secret })

const orchestrator: Pick<RunnerConfig, 'orchestrator' | 'temporal'> =
  settings.temporal === undefined
    ? {}
    : { orchestrator: 'temporal', temporal: { address: settings.temporal, namespace: 'default', tls: false } }

/** Pods have small resources, so that many fit on the node. */
function kubernetesConfig(env: Record<string, string>): KubernetesConfig {
  const runner = { cancelGraceSeconds: CANCEL_GRACE_SECONDS, datasetCacheMaxGb: 1 }
  const resources = { cpu: 0.01, memoryMb: 96, shmMb: 16, diskGb: 1 }
  return { ...readKubernetesConfig(env, runner), profiles: { default: { resources } } }
}

/** Starts the runner. Tries again while the database is down. */
async function start(): Promise<Runner> {
  for (;;) {
    try {
      const runner = await createRunner({
        config: {
          publicUrl,
          callbackUrl: settings.callbackUrl,
          databaseUrl: settings.databaseUrl,
          databaseSchema: settings.databaseSchema,
          identitySchemaPrefix: `${settings.databaseSchema}_`,
          dataDir: `${dir}/data`,
          ...orchestrator,
          launcher: settings.launcher,
          docker: settings.docker && readDockerConfig(settings.docker),
          kubernetes: settings.kubernetes && kubernetesConfig(settings.kubernetes),
          subprocess: { sandbox: settings.sandbox, allowUnsandboxed: true },
          heartbeatSeconds: 1,
          heartbeatTimeoutSeconds: 30,
          startTimeoutSeconds: 120,
          cancelGraceSeconds: CANCEL_GRACE_SECONDS,
          maxConcurrentJobs: settings.maxConcurrentJobs ?? 6,
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
      logger.warn({ err: error }, 'could not start this replica; trying again')
      await sleep(100)
    }
  }
}

const runner = await start()
const withStore =
  (app: { fetch: Handler }): Handler =>
  (request) =>
    new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : app.fetch(request)
const owner = await runner.context.identity.createOwnerToken(`chaos ${process.pid}`)
handle = withStore({ fetch: asLocalOwner((request) => runner.app.fetch(request), owner) })
handleTrainer = withStore(runner.trainers?.app ?? runner.app)
console.log(`${server.port} ${forTrainers.port}`)
