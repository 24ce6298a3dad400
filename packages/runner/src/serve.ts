#!/usr/bin/env node
import { join } from 'node:path'
import {
  ConfigError,
  createLogger,
  createStore,
  DEFAULT_AUTH,
  deriveSecret,
  isMain,
  type Listening,
  listen,
  parseConfig,
  RESET_PASSWORD,
  readStoreConfig,
  requireSafeHost,
  resetPasswordCommand,
} from '@trainyard/platform'
import { z } from 'zod'
import { readRunnerConfig } from './config.ts'
import { createRunner } from './create-runner.ts'
import { listenForTrainers } from './listen-for-trainers.ts'

const ServerEnvironment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(7601),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export interface RunnerServer extends Pick<Listening, 'url' | 'port'> {
  /** Takes no new requests, lets open ones finish, and leaves running trainers running. */
  stop(): Promise<void>
}

/** A runner alone, from environment variables. */
export async function serveRunner(env: Record<string, string | undefined>): Promise<RunnerServer> {
  const server = parseConfig(ServerEnvironment, env, 'runner server')
  const logger = createLogger({ name: 'runner', level: server.LOG_LEVEL })
  const origin = `http://127.0.0.1:${server.PORT}`
  const config = readRunnerConfig({ PUBLIC_URL: origin, ...env })
  requireSafeHost(server.HOST, config.auth ?? DEFAULT_AUTH)
  const { store, app: storeApp } = createStore(
    readStoreConfig(env, {
      dir: join(config.dataDir, 'store'),
      publicUrl: config.publicUrl,
      ...(config.jwtSecret === undefined ? {} : { secret: deriveSecret(config.jwtSecret, 'storage') }),
    }),
  )
  const runner = await createRunner({ config, store, logger })
  const listening = await listen(
    {
      fetch: (request) => {
        const isStorage = storeApp !== undefined && new URL(request.url).pathname.startsWith('/storage/')
        return isStorage ? storeApp.fetch(request) : runner.app.fetch(request)
      },
    },
    { host: server.HOST, port: server.PORT, upgrade: runner.upgrade },
  ).catch(async (error: unknown) => {
    await runner.stop()
    throw error
  })
  const trainers = await listenForTrainers(runner, storeApp, listening).catch(async (error: unknown) => {
    await listening.close()
    await runner.stop()
    throw error
  })
  await runner.start()
  logger.info({ url: listening.url }, 'the runner listens')
  let stopping: Promise<void> | undefined
  return {
    url: listening.url,
    port: listening.port,
    stop() {
      stopping ??= Promise.all([listening.close(), trainers?.close()]).then(() => runner.stop())
      return stopping
    },
  }
}

async function main(): Promise<void> {
  const [word, ...args] = process.argv.slice(2)
  if (word === RESET_PASSWORD) {
    process.stdout.write(await resetPasswordCommand({ env: process.env, args }))
    return
  }
  const server = await serveRunner(process.env)
  const stop = () => {
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

if (isMain(import.meta.url)) {
  main().catch((error: unknown) => {
    console.error(error instanceof ConfigError ? error.message : error)
    process.exit(1)
  })
}
