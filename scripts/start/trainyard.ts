import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  admitOwner,
  createLogger,
  createStore,
  listen,
  lockFolder,
  openDataFolder,
  openIdentity,
  prepareSetup,
  publicKeysOf,
  readHttpLimits,
  readStoreConfig,
  stopInTurn,
  superviseEmbeddedPostgres,
  type UpgradeHandler,
} from '@trainyard/platform'
import { createRegistry, readRegistryConfig } from '@trainyard/registry'
import { createRunner, listenForTrainers, readRunnerConfig } from '@trainyard/runner'
import { createWeb } from '@trainyard/web'
import type { Hono } from 'hono'
import { combineServers } from './combine-servers.ts'
import { fetchInProcess } from './fetch-in-process.ts'
import { signInLink } from './sign-in-link.ts'

export interface TrainyardOptions {
  dataDir: string
  host: string
  port: number
  /** Origin at which people and trainers reach it. Default: the address it listens on. */
  publicUrl?: string | undefined
  /** Other settings, as environment variables. */
  env: Readonly<Record<string, string | undefined>>
  onProgress?(text: string): void
  /** Receives a line for the terminal when PostgreSQL has died, and when it runs again. */
  onNotice?(text: string): void
}

export interface Trainyard {
  url: string
  dataDir: string
  /** The token of the local owner, and its file. */
  ownerToken: string
  ownerTokenFile: string
  /** A link that signs a browser in as the local owner, once. Undefined with AUTH=required. */
  createLink(path?: string): Promise<string | undefined>
  /** What weakens the isolation of trainers on this machine. */
  warning: string | undefined
  /** Waits until finished jobs are cleaned up; returns the ids of those that are not. */
  awaitCleanup(timeoutMs: number): Promise<number[]>
  /** Rejects when a part that all others need has failed for good. */
  failed: Promise<never>
  /** How to create the first account, while that is possible. */
  setup: string | undefined
  stop(): Promise<void>
}

/** Registry and runner get thirty seconds each; the database stops after them. */
const STOP_MS = 120_000

/** Starts PostgreSQL, registry, runner, web and the object store in this process, behind one port. */
export async function startTrainyard(options: TrainyardOptions): Promise<Trainyard> {
  const dataDir = resolve(options.dataDir)
  await openDataFolder(dataDir, 'the data folder')
  const lock = await lockFolder(dataDir)
  const logger = createLogger({ name: 'trainyard', destination: join(dataDir, 'server.log') })
  const parts = [{ name: 'lock', stop: () => lock.release() }]
  const stop = () => stopInTurn(parts.splice(0).toReversed(), { logger, withinMs: STOP_MS })
  const progress = options.onProgress ?? (() => {})
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  try {
    // Listen first: a port that is in use must be reported before anything else starts. Requests wait for the servers.
    const limits = readHttpLimits(options.env, 'trainyard')
    const ready = Promise.withResolvers<Hono>()
    ready.promise.catch(() => {})
    let upgrade: UpgradeHandler = (_request, socket) => socket.destroy()
    const server = await listen(
      { fetch: async (request: Request, bindings?: object) => (await ready.promise).fetch(request, bindings) },
      { host: options.host, port: options.port, upgrade: (...request) => upgrade(...request), limits, logger },
    )
    parts.push({ name: 'server', stop: () => server.close() })

    let databaseUrl = options.env.DATABASE_URL
    if (databaseUrl === undefined) {
      progress('starting PostgreSQL')
      const postgres = await superviseEmbeddedPostgres({
        dataDir: join(dataDir, 'postgres'),
        logger,
        onProgress: progress,
        onNotice: options.onNotice,
        onGiveUp: failure.reject,
      })
      parts.push({ name: 'PostgreSQL', stop: () => postgres.stop() })
      databaseUrl = postgres.url
    }
    const settings = settingsOf(options.env, databaseUrl, options.publicUrl ?? server.url)
    progress('starting the servers')
    const secret = await keptSecret(join(dataDir, 'storage-secret'))
    const storeDefaults = { dir: join(dataDir, 'objects'), publicUrl: settings.PUBLIC_URL, secret }
    const { store, app: storeApp } = createStore(readStoreConfig(settings, storeDefaults))

    const identity = await openIdentity({ url: databaseUrl, logger })
    parts.push({ name: 'identity', stop: () => identity.close() })
    const registry = await createRegistry({
      config: { ...readRegistryConfig({ ...settings, DATA_DIR: join(dataDir, 'registry') }), hiddenDirs: [dataDir] },
      store,
      identity,
      logger,
    })
    parts.push({ name: 'registry', stop: () => registry.stop() })
    const runner = await createRunner({
      // The database and the registry are beside the runner's folder, where no trainer can read them.
      config: { ...readRunnerConfig({ ...settings, DATA_DIR: join(dataDir, 'runner') }), hiddenDirs: [dataDir] },
      store,
      logger,
      identity,
    })
    parts.push({ name: 'runner', stop: () => runner.stop() })
    registry.trustRunner(await publicKeysOf(runner.context.statementKeys))
    const inProcess = fetchInProcess({ origin: server.url, app: () => combined })
    const web = createPages(server.url, settings.PAGES_SECRET, inProcess)
    const combined = combineServers({ registry: registry.app, runner: runner.app, web: web.app, store: storeApp })

    upgrade = runner.upgrade
    ready.resolve(combined)
    const forTrainers = await listenForTrainers(runner, storeApp, { port: server.port, limits, logger })
    if (forTrainers !== undefined) parts.push({ name: 'endpoint for trainers', stop: () => forTrainers.close() })
    await registry.start()
    await runner.start()
    const owner = await identity.keepOwnerToken(dataDir)
    const auth = registry.context.authenticator.config
    const forget = await admitOwner(identity, { auth, dataDir, env: options.env, url: server.url })
    parts.push({ name: 'note of the server', stop: forget })
    return {
      url: server.url,
      dataDir,
      ownerToken: owner.secret,
      ownerTokenFile: owner.file,
      createLink: async (path) =>
        auth.mode === 'local' ? signInLink(server.url, (await identity.createSignInCode()).secret, path) : undefined,
      failed: failure.promise,
      setup: await prepareSetup(identity, { auth, dataDir, publicUrl: settings.PUBLIC_URL }),
      warning: runner.context.launcher.warning,
      awaitCleanup: async (timeoutMs) => (await runner.awaitCleanup(timeoutMs)).map(({ jobId }) => jobId),
      stop,
    }
  } catch (error) {
    await stop().catch(() => {})
    throw error
  }
}

function createPages(url: string, pagesSecret: string, fetch: typeof globalThis.fetch) {
  return createWeb({ registryUrl: url, runnerUrl: url, pagesSecret, fetch })
}

function settingsOf(env: TrainyardOptions['env'], databaseUrl: string, url: string) {
  return {
    ...env,
    DATABASE_URL: databaseUrl,
    PUBLIC_URL: url,
    REGISTRY_URL: url,
    // Both are here: nothing leaves this machine.
    REPORT_RUNS: env.REPORT_RUNS ?? 'true',
    // The pages call the APIs over the port that everyone can use; only they know this.
    PAGES_SECRET: env.PAGES_SECRET ?? randomBytes(32).toString('base64url'),
  }
}

/** A random secret, created once and kept in a file that only this user can read. */
async function keptSecret(file: string): Promise<string> {
  const there = await readFile(file, 'utf8').catch(() => undefined)
  if (there !== undefined && there.length >= 32) return there
  const secret = randomBytes(32).toString('base64url')
  await writePrivate(file, secret)
  return secret
}

async function writePrivate(file: string, text: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text, { mode: 0o600 })
  await chmod(file, 0o600)
}
