import { EventEmitter } from 'node:events'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { ENVIRONMENT_CHECK_MS } from '@trainyard/contract'
import {
  type Clock,
  claimNamespace,
  createAuthenticator,
  createRegistryTokens,
  DEFAULT_AUTH,
  type Identity,
  LOCAL_ACCOUNT_ID,
  type Logger,
  loadSigningKeys,
  type ObjectStore,
  openDatabase,
  stopInTurn,
  systemClock,
} from '@trainyard/platform'
import type { JSONWebKeySet } from 'jose'
import { Acceptance } from './acceptance/acceptance.ts'
import { createApp } from './app.ts'
import type { RegistryConfig } from './config.ts'
import type { RegistryContext } from './context.ts'
import { registryMigrations } from './db/migrations/index.ts'
import type { RegistryDatabase } from './db/schema/index.ts'
import { DEFAULT_CI_ISSUERS } from './job-tokens/ci-issuers.ts'
import { RunnerKeys } from './job-tokens/runner-keys.ts'
import { JobTokenVerifier } from './job-tokens/verify-job-token.ts'
import { collectRegularly } from './repositories/collect-garbage.ts'
import { Rescanner } from './rescans/rescanner.ts'
import { refreshOldEntries } from './search/refresh-trainer.ts'
import { adoptRestoredEntries, SearchReader } from './search-index/search-reader.ts'
import { openSignatureVerifier } from './sigstore/signature-verifier.ts'
import { createForkValidate } from './validation/fork-validate.ts'
import type { ValidateFunction } from './validation/validate.ts'
import { WebhookSender } from './webhooks/webhook-sender.ts'

export interface CreateRegistryOptions {
  config: RegistryConfig
  store: ObjectStore
  identity: Identity
  logger: Logger
  clock?: Clock | undefined
  /** Default: calls `@trainyard/validator` in a forked process. */
  validate?: ValidateFunction | undefined
  /** `stop()` abandons parts that have not stopped after this time. Default: 30 000. */
  stopMs?: number | undefined
}

export interface Registry {
  /** Serves `/v2`, `/token`, `/v1/trainers`, `/v1/checks` and `/v1/tokens`. */
  readonly app: OpenAPIHono
  readonly context: RegistryContext
  /** Accepts what a runner of the same process states about runs. */
  trustRunner(keys: JSONWebKeySet): void
  /** Starts running checks. A registry that is not started accepts pushes and leaves their checks to other processes. */
  start(): Promise<void>
  /** Stops running checks and closes the database. The caller closes the store and the identity. */
  stop(): Promise<void>
}

/** Opens and migrates the database, and assembles the registry. */
export async function createRegistry(options: CreateRegistryOptions): Promise<Registry> {
  const { config, store, identity, logger, clock = systemClock } = options
  const signatures = await openSignatureVerifier(config.sigstoreTrustedRoot)
  const database = await openDatabase<RegistryDatabase>({
    url: config.databaseUrl,
    schema: config.databaseSchema,
    migrations: registryMigrations,
    logger,
  })
  const keys = await loadSigningKeys(database, { secret: config.jwtSecret })
  const changes: RegistryContext['changes'] = new EventEmitter()
  // Each client that watches a check adds a listener, so there is no limit.
  changes.setMaxListeners(0)
  const context: RegistryContext = {
    config,
    database,
    store,
    identity,
    authenticator: createAuthenticator({
      identity,
      config: config.auth ?? DEFAULT_AUTH,
      logger,
      publicUrl: () => config.publicUrl,
    }),
    tokens: createRegistryTokens({ keys, clock }),
    signatures,
    jobTokens: new JobTokenVerifier(config.ciIssuers ?? DEFAULT_CI_ISSUERS),
    search: new SearchReader(database),
    runnerKeys: new RunnerKeys(config.runners ?? []),
    logger,
    clock,
    validate:
      options.validate ??
      createForkValidate({
        logger,
        databaseUrl: config.databaseUrl,
        timeoutMs: config.checkTimeoutSeconds * 1000,
        memoryBytes: config.checkMemoryBytes,
        environmentMs: ENVIRONMENT_CHECK_MS,
        sandbox: config.checkSandbox ?? 'auto',
        readPaths: config.checkReadPaths,
        allowUnsandboxed: config.checkUnsandboxed,
        hiddenDirs: [config.dataDir, ...(config.hiddenDirs ?? [])],
      }),
    changes,
  }
  store.checkBearers?.('token', async (id) => (await identity.findCallerOfToken(id)) !== undefined)
  // Namespaces that are older than organisations are assigned to the local account.
  const namespaces = await database.db.selectFrom('repositories').select('namespace').distinct().execute()
  for (const { namespace } of namespaces)
    await claimNamespace(identity, database.db, { slug: namespace, subject: LOCAL_ACCOUNT_ID })
  await adoptRestoredEntries(database)
  await refreshOldEntries(context)
  const acceptance = new Acceptance(context)
  const webhooks = new WebhookSender(context)
  const rescanner = new Rescanner(context)
  let stopCollecting: (() => void) | undefined
  const unlisten = await database.listen('checks', (id) => changes.emit('check', id), {
    // Notifications are lost while the connection is: every check that is watched may have changed.
    onReconnect: () => changes.emit('check', undefined),
  })
  return {
    app: createApp(context),
    context,
    trustRunner: (keys) => context.runnerKeys.add(keys),
    async start() {
      stopCollecting ??= collectRegularly(context)
      await acceptance.start()
      await webhooks.start()
      await rescanner.start()
    },
    async stop() {
      stopCollecting?.()
      const parts = [
        { name: 'acceptance', stop: () => acceptance.stop() },
        { name: 'rescans', stop: () => rescanner.stop() },
        { name: 'webhooks', stop: () => webhooks.stop() },
        { name: 'notifications', stop: () => unlisten() },
        { name: 'database', stop: () => database.close() },
      ]
      await stopInTurn(parts, { logger, withinMs: options.stopMs })
    },
  }
}
