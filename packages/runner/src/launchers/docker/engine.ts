import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@trainyard/platform'
import type { DockerConfig } from './config.ts'
import { EngineClient, EngineError } from './engine-client.ts'
import { firstAddress } from './subnets.ts'

/** An engine that does not answer must not delay the other jobs. */
const ANSWER_TIMEOUT_MS = 30_000

export function connectEngine(
  { host, certPath }: Pick<DockerConfig, 'host' | 'certPath'> = {},
  timeoutMs = ANSWER_TIMEOUT_MS,
): EngineClient {
  if (host === undefined) return new EngineClient({ socketPath: usualSocket(), timeoutMs })
  if (host.startsWith('unix://')) return new EngineClient({ socketPath: host.slice('unix://'.length), timeoutMs })
  const { hostname, port } = new URL(host.replace(/^tcp:/, 'http:'))
  if (certPath === undefined) return new EngineClient({ host: hostname, port, timeoutMs })
  const read = (name: string) => readFileSync(join(certPath, name))
  const tls = { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
  return new EngineClient({ host: hostname, port, tls, timeoutMs })
}

/** Docker Desktop has a socket of its own in the home folder. */
function usualSocket(): string {
  if (process.platform === 'win32') return '//./pipe/docker_engine'
  const own = join(homedir(), '.docker/run/docker.sock')
  return existsSync(own) ? own : '/var/run/docker.sock'
}

export interface EngineInfo {
  /** Stays the same as long as the engine's data exists. */
  id: string
  cpus: number
  /** As the kernel names it, for example "x86_64". */
  processor: string
  hasMemoryLimit: boolean
  hasGpu: boolean
  /** The address of the default bridge, if the engine runs on this machine. */
  gateway: string | undefined
}

/** @throws ConfigError when no engine answers, so that the runner fails at its start and not at the first job */
export async function readEngineInfo(docker: EngineClient, host: string | undefined): Promise<EngineInfo> {
  try {
    const info = await docker.info()
    return {
      id: info.ID,
      cpus: info.NCPU,
      processor: info.Architecture ?? 'unknown',
      hasMemoryLimit: info.MemoryLimit ?? true,
      hasGpu: Object.hasOwn(info.Runtimes ?? {}, 'nvidia'),
      gateway: await findGateway(docker),
    }
  } catch (error) {
    throw new ConfigError(
      `LAUNCHER is "docker", but no Docker engine answers at ${host ?? 'its usual socket'}: ${messageOf(error)}. ` +
        'Start the engine, give this user access to it, or set DOCKER_HOST',
      { cause: error },
    )
  }
}

/**
 * The address of this machine that `host-gateway` leads to. Docker Desktop and remote engines also have one, but it is not
 * an address of this machine.
 */
async function findGateway(docker: EngineClient): Promise<string | undefined> {
  const bridge = await ignoring([404], docker.getNetwork('bridge').inspect())
  for (const { Gateway, Subnet } of bridge?.IPAM?.Config ?? []) {
    // Until its first restart, an engine does not report the gateway of its default bridge.
    const address = Gateway ?? firstAddress(Subnet ?? '')
    if (address !== undefined && (await isOurs(address))) return address
  }
  return undefined
}

/** Tries to listen: Node's list of addresses omits a bridge to which no container is connected. */
async function isOurs(address: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(0, address)
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** When the engine started. Its API does not tell, but the default bridge is created again at each start. */
export async function readEngineStart(docker: EngineClient): Promise<Date | undefined> {
  const bridge = await ignoring([404], docker.getNetwork('bridge').inspect())
  const time = new Date(bridge?.Created ?? '')
  return Number.isNaN(time.getTime()) ? undefined : time
}

/** The HTTP status of an error response. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof EngineError ? error.statusCode : undefined
}

export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message || String(error) : String(error)).trim()
}

/** The response, or undefined for an error with one of these statuses. */
export async function ignoring<T>(statuses: readonly number[], response: Promise<T>): Promise<T | undefined> {
  try {
    return await response
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return undefined
    throw error
  }
}
