import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ConfigError } from '@trainyard/platform'
import Docker from 'dockerode'
import type { DockerConfig } from './config.ts'
import { firstAddress } from './subnets.ts'

/** An engine that does not answer must not delay the other jobs. */
const ANSWER_TIMEOUT_MS = 30_000

export function connectEngine(config: Pick<DockerConfig, 'host' | 'certPath'>, timeout = ANSWER_TIMEOUT_MS): Docker {
  const { host, certPath } = config
  if (host === undefined) return new Docker({ timeout })
  if (host.startsWith('unix://')) return new Docker({ socketPath: host.slice('unix://'.length), timeout })
  const { hostname, port } = new URL(host.replace(/^tcp:/, 'http:'))
  if (certPath === undefined) return new Docker({ protocol: 'http', host: hostname, port, timeout })
  const read = (name: string) => readFileSync(join(certPath, name))
  const tls = { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
  return new Docker({ protocol: 'https', host: hostname, port, timeout, ...tls })
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
export async function readEngineInfo(docker: Docker, host: string | undefined): Promise<EngineInfo> {
  try {
    const info: {
      ID: string
      NCPU: number
      Architecture?: string
      MemoryLimit?: boolean
      Runtimes?: Record<string, unknown>
    } = await docker.info()
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
async function findGateway(docker: Docker): Promise<string | undefined> {
  const bridge = await ignoring([404], docker.getNetwork('bridge').inspect())
  const configs: { Gateway?: string | undefined; Subnet?: string | undefined }[] = bridge?.IPAM?.Config ?? []
  for (const { Gateway, Subnet } of configs) {
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
export async function readEngineStart(docker: Docker): Promise<Date | undefined> {
  const bridge: { Created?: string } | undefined = await ignoring([404], docker.getNetwork('bridge').inspect())
  const time = new Date(bridge?.Created ?? '')
  return Number.isNaN(time.getTime()) ? undefined : time
}

/** The HTTP status of an error response. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined
}

export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || String(error) : String(error)
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim()
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
