#!/usr/bin/env node
/** The registry by itself: `node serve.js`, configured by its environment. */
import {
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
  RESET_PASSWORD,
  readStoreConfig,
  requireSafeHost,
  resetPasswordCommand,
  stopInTurn,
} from '@trainyard/platform'
import { readRegistryConfig } from './config.ts'
import { createRegistry } from './registry.ts'

export interface Served extends Pick<Listening, 'url' | 'port'> {
  /** Takes no new requests, lets the open ones end, gives checks back, and closes everything. */
  stop(): Promise<void>
}

/** Starts a registry from `env`: see `config.ts`; `HOST` and `PORT` say where it listens. */
export async function start(env: Record<string, string | undefined>): Promise<Served> {
  const logger = createLogger({ name: 'registry', ...(env.LOG_LEVEL ? { level: env.LOG_LEVEL } : {}) })
  const config = readRegistryConfig(env)
  const host = env.HOST || '127.0.0.1'
  requireSafeHost(host, config.auth ?? DEFAULT_AUTH)
  const { store, app: storeApp } = createStore(
    readStoreConfig(env, {
      dir: `${config.dataDir}/storage`,
      publicUrl: config.publicUrl,
      ...(config.jwtSecret === undefined ? {} : { secret: deriveSecret(config.jwtSecret, 'storage') }),
    }),
  )
  const identity = await openIdentity({ url: config.databaseUrl, logger })
  const registry = await createRegistry({ config, store, identity, logger })
  const app = createApi({ logger })
  if (storeApp) app.route('/', storeApp)
  app.route('/', registry.app)
  const server = await listen(app, { host, port: Number(env.PORT ?? 7600) })
  await registry.start()
  logger.info({ url: server.url }, 'the registry listens')
  return {
    url: server.url,
    port: server.port,
    async stop() {
      const parts = [
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
    const [word, ...args] = process.argv.slice(2)
    if (word === RESET_PASSWORD) process.stdout.write(await resetPasswordCommand({ env: process.env, args }))
    else await serve()
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
