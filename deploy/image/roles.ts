import { ConfigError, readSecretFiles, requireSafeHost, runIdentityCommand } from '@trainyard/platform'
import { readRegistryConfig } from '@trainyard/registry'
import { readHealth } from './health.ts'
import { migrateAll } from './migrate-all.ts'

type Environment = Readonly<Record<string, string | undefined>>

const SERVERS = ['registry', 'runner', 'web', 'all'] as const
type Server = (typeof SERVERS)[number]
const ROLES = [...SERVERS, 'migrate', 'health'] as const
type Role = (typeof ROLES)[number]
export const isRole = (name: string): name is Role => (ROLES as readonly string[]).includes(name)

export const HELP = `Usage: trainyard-platform ROLE

Servers:
  registry    the registry, on port 7600
  runner      the runner, on port 7601
  web         the pages, on port 7602
  all         all three in one process, on port 7600

Once:
  migrate     brings the database to this version, and ends
  health [URL…]
              exits with 0 if the server of this container is ready (PORT, or the ports above), or if each URL answers
  registry reset-password EMAIL, registry setup-secret
              print a link for a new password, or the secret for the first account
  runner bridge DIR
              writes the bridge for trainers into a folder

Settings are environment variables: docs/configuration.md. A secret can be in a file: DATABASE_URL_FILE=/run/secrets/database-url
`

/** Starts a server, or runs a command. Resolves with the exit code, for a server at once: it stays up until a signal. */
export async function runRole(role: Role, args: readonly string[], environment: Environment): Promise<number> {
  const env = readSecretFiles({ ...environment })
  if (role === 'health') return await readHealth(args, env)
  if (role === 'migrate') {
    await migrateAll(env)
    return 0
  }
  const printed = await runIdentityCommand(args, env)
  if (printed !== undefined) {
    process.stdout.write(printed)
    return 0
  }
  if (role === 'runner' && args[0] === 'bridge') {
    await writeBridge(args[1])
    return 0
  }
  if (args.length > 0)
    throw new ConfigError(`"${args.join(' ')}" was given after "${role}"; expected nothing, or a command\n\n${HELP}`)
  const { stop } = await serve(role, env)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stop().then(
        () => process.exit(0),
        () => process.exit(1),
      )
    })
  return 0
}

/** Servers are loaded when they are needed: each takes memory and time. */
async function serve(role: Server, env: Environment): Promise<{ stop(): Promise<void> }> {
  switch (role) {
    case 'registry':
      return await (await import('../../packages/registry/src/serve.ts')).start({ ...env })
    case 'runner':
      return await (await import('../../packages/runner/src/serve.ts')).serveRunner({ ...env })
    case 'web': {
      const { serveWeb } = await import('@trainyard/web')
      const { close } = await serveWeb({ ...env })
      return { stop: close }
    }
    case 'all':
      return await serveAll(env)
  }
}

async function serveAll(env: Environment): Promise<{ stop(): Promise<void> }> {
  if (env.DATABASE_URL === undefined || env.DATABASE_URL === '')
    throw new ConfigError(
      'DATABASE_URL is not set; expected the address of a PostgreSQL 15 or newer, such as postgres://trainyard:secret@database:5432/trainyard. The image has no database of its own',
    )
  const { HOST: host = '127.0.0.1', PORT: port = '7600' } = env
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new ConfigError(`PORT is "${port}"; expected a number from 0 to 65535`)
  const { auth, publicUrl } = readRegistryConfig({ ...env })
  if (auth !== undefined) requireSafeHost(host, auth)
  const { startTrainyard } = await import('../../scripts/start/trainyard.ts')
  const say = (text: string) => process.stdout.write(`${text}\n`)
  const trainyard = await startTrainyard({
    dataDir: env.DATA_DIR ?? '.trainyard',
    host,
    port: Number(port),
    publicUrl: env.PUBLIC_URL === undefined ? undefined : publicUrl,
    env,
    onNotice: say,
  })
  say(`Trainyard is running at ${env.PUBLIC_URL ?? trainyard.url}`)
  if (trainyard.setup !== undefined) say(trainyard.setup)
  if (trainyard.warning !== undefined) say(trainyard.warning)
  trainyard.failed.catch((error: unknown) => {
    process.stderr.write(`trainyard-platform: ${String(error)}\n`)
    process.exit(1)
  })
  return trainyard
}

async function writeBridge(dir: string | undefined): Promise<void> {
  if (dir === undefined) throw new ConfigError('expected a folder: trainyard-platform runner bridge DIR')
  const { readBridgeContents } = await import('../../packages/runner/src/launchers/bridge/bridge-contents.ts')
  const { stageBridge } = await import('../../packages/runner/src/launchers/bridge/stage-bridge.ts')
  await stageBridge(readBridgeContents(), dir)
}
