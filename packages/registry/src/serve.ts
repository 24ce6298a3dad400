#!/usr/bin/env node
/** Runs the registry as a server of its own: `node serve.js`, configured by environment variables. */
import {
  admitOwner,
  ConfigError,
  createApi,
  createLogger,
  createStore,
  DEFAULT_AUTH,
  deriveSecret,
  isMain,
  type Listening,
  listen,
  openIdentity,
  prepareSetup,
  readHttpLimits,
  readSecretFiles,
  readStoreConfig,
  requireSafeHost,
  runIdentityCommand,
  stopInTurn,
} from '@trainyard/platform'
import { readRegistryConfig } from './config.ts'
import { createRegistry } from './registry.ts'

export interface Served extends Pick<Listening, 'url' | 'port'> {
  /** Stops accepting requests, drains open ones, releases running checks, and closes everything. */
  stop(): Promise<void>
}

/** Starts a registry configured by `env` (see `config.ts`). It listens on `HOST` and `PORT`. */
export async function start(environment: Record<string, string | undefined>): Promise<Served> {
  const env = readSecretFiles(environment)
  const logger = createLogger({ name: 'registry', level: env.LOG_LEVEL || undefined })
  const config = readRegistryConfig(env)
  const limits = readHttpLimits(env, 'the registry')
  const host = env.HOST || '127.0.0.1'
  requireSafeHost(host, config.auth ?? DEFAULT_AUTH)
  const { store, app: storeApp } = createStore(
    readStoreConfig(env, {
      dir: `${config.dataDir}/storage`,
      publicUrl: config.publicUrl,
      secret: config.jwtSecret === undefined ? undefined : deriveSecret(config.jwtSecret, 'storage'),
    }),
  )
  const identity = await openIdentity({ url: config.databaseUrl, logger })
  const registry = await createRegistry({ config, store, identity, logger })
  const { dataDir, publicUrl, auth = DEFAULT_AUTH } = config
  const setup = await prepareSetup(identity, { auth, dataDir, publicUrl })
  const app = createApi({ logger })
  if (storeApp) app.route('/', storeApp)
  app.route('/', registry.app)
  const server = await listen(app, { host, port: Number(env.PORT ?? 7600), limits, logger })
  await registry.start()
  const forget = await admitOwner(identity, { auth, dataDir, env, url: server.url })
  logger.info({ url: server.url, tiers: config.tiers }, 'registry listening')
  if (setup !== undefined) process.stderr.write(setup)
  return {
    url: server.url,
    port: server.port,
    async stop() {
      const parts = [
        { name: 'note of the server', stop: forget },
        { name: 'server', stop: () => server.close() },
        { name: 'registry', stop: () => registry.stop() },
        { name: 'identity', stop: () => identity.close() },
      ]
      await stopInTurn(parts, { logger, withinMs: 60_000 })
    },
  }
}

if (isMain(import.meta.url)) {
  try {
    const printed = await runIdentityCommand(process.argv.slice(2), readSecretFiles(process.env))
    if (printed === undefined) await serve()
    else process.stdout.write(printed)
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : error)
    process.exitCode = 1
  }
}

async function serve(): Promise<void> {
  const served = await start(process.env)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void served.stop().then(() => process.exit(0)))
  }
}
