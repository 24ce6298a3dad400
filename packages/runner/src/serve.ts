#!/usr/bin/env node
import { join } from 'node:path'
import {
  admitOwner,
  ConfigError,
  createLogger,
  createStore,
  DEFAULT_AUTH,
  deriveSecret,
  isMain,
  type Listening,
  listen,
  parseConfig,
  prepareSetup,
  readHttpLimits,
  readSecretFiles,
  readStoreConfig,
  requireSafeHost,
  runIdentityCommand,
} from '@trainyard/platform'
import { z } from 'zod'
import { readRunnerConfig } from './config.ts'
import { createRunner } from './create-runner.ts'
import { readBridgeContents } from './launchers/bridge/bridge-contents.ts'
import { stageBridge } from './launchers/bridge/stage-bridge.ts'
import { listenForTrainers } from './listen-for-trainers.ts'
import { withStorage } from './with-storage.ts'

const ServerEnvironment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(7601),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export interface RunnerServer extends Pick<Listening, 'url' | 'port'> {
  /** Accepts no new requests, waits for open ones, and leaves running trainers running. */
  stop(): Promise<void>
}

/** Starts a runner of its own from environment variables. */
export async function serveRunner(environment: Record<string, string | undefined>): Promise<RunnerServer> {
  const env = readSecretFiles(environment)
  const server = parseConfig(ServerEnvironment, env, 'runner server')
  const logger = createLogger({ name: 'runner', level: server.LOG_LEVEL })
  const origin = `http://127.0.0.1:${server.PORT}`
  const config = readRunnerConfig({ PUBLIC_URL: origin, ...env })
  const limits = readHttpLimits(env, 'runner server')
  requireSafeHost(server.HOST, config.auth ?? DEFAULT_AUTH)
  const { store, app: storeApp } = createStore(
    readStoreConfig(env, {
      dir: join(config.dataDir, 'store'),
      publicUrl: config.publicUrl,
      secret: config.jwtSecret === undefined ? undefined : deriveSecret(config.jwtSecret, 'storage'),
    }),
  )
  const runner = await createRunner({ config, store, logger })
  const { dataDir, publicUrl, auth = DEFAULT_AUTH } = config
  const opened: Pick<Listening, 'close'>[] = []
  const stop = async () => {
    await Promise.all(opened.map((server) => server.close()))
    await runner.stop()
  }
  try {
    const setup = await prepareSetup(runner.context.identity, { auth, dataDir, publicUrl })
    const listening = await listen(withStorage(runner.app, storeApp), {
      host: server.HOST,
      port: server.PORT,
      upgrade: runner.upgrade,
      limits,
      logger,
    })
    opened.push(listening)
    const forTrainers = await listenForTrainers(runner, storeApp, { port: listening.port, limits, logger })
    if (forTrainers !== undefined) opened.push(forTrainers)
    await runner.start()
    const forget = await admitOwner(runner.context.identity, { auth, dataDir, env, url: listening.url })
    opened.push({ close: forget })
    logger.info({ url: listening.url }, 'the runner is listening')
    if (setup !== undefined) process.stderr.write(setup)
    let stopping: Promise<void> | undefined
    return {
      url: listening.url,
      port: listening.port,
      stop() {
        stopping ??= stop()
        return stopping
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function main(): Promise<void> {
  const [command, dir] = process.argv.slice(2)
  if (command === 'bridge') {
    if (dir === undefined) throw new ConfigError('expected a folder: trainyard-runner bridge DIR')
    await stageBridge(readBridgeContents(), dir)
    return
  }
  const printed = await runIdentityCommand(process.argv.slice(2), readSecretFiles(process.env))
  if (printed !== undefined) {
    process.stdout.write(printed)
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
