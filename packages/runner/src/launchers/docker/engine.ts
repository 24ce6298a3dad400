import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ConfigError } from '@trainyard/platform'
import Docker from 'dockerode'
import type { DockerConfig } from './config.ts'

/** An engine that hangs must not hold up the care for other jobs. */
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

export interface EngineFacts {
  /** Lasts as long as the engine's data. */
  id: string
  cpus: number
  hasMemoryLimit: boolean
  hasGpu: boolean
  /** The engine's side of its default bridge, when the engine runs on this very machine. */
  gateway?: string
}

/** @throws ConfigError when no engine answers: nothing could run, so it is said at the start. */
export async function askEngine(docker: Docker, host: string | undefined): Promise<EngineFacts> {
  try {
    const info: { ID: string; NCPU: number; MemoryLimit?: boolean; Runtimes?: Record<string, unknown> } =
      await docker.info()
    const gateway = await findGateway(docker)
    return {
      ...(gateway === undefined ? {} : { gateway }),
      id: info.ID,
      cpus: info.NCPU,
      hasMemoryLimit: info.MemoryLimit ?? true,
      hasGpu: Object.hasOwn(info.Runtimes ?? {}, 'nvidia'),
    }
  } catch (error) {
    throw new ConfigError(
      `LAUNCHER is "docker", and no Docker engine answers at ${host ?? 'its usual socket'} (${messageOf(error)}). ` +
        'Start the engine, let this user use it, or set DOCKER_HOST',
      { cause: error },
    )
  }
}

/** `host-gateway` leads to it. Docker Desktop and engines elsewhere have one too, but not as an address of this machine. */
async function findGateway(docker: Docker): Promise<string | undefined> {
  const bridge = await unless([404], docker.getNetwork('bridge').inspect())
  const configs: { Gateway?: string | undefined }[] = bridge?.IPAM?.Config ?? []
  for (const { Gateway } of configs) if (Gateway !== undefined && (await isOurs(Gateway))) return Gateway
  return undefined
}

/** By listening there: Node's list of addresses leaves out a bridge that no container is plugged into at the moment. */
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

/** The engine does not say when it was started, but it makes its default bridge anew each time. */
export async function engineStart(docker: Docker): Promise<Date | undefined> {
  const bridge: { Created?: string } | undefined = await unless([404], docker.getNetwork('bridge').inspect())
  const time = new Date(bridge?.Created ?? '')
  return Number.isNaN(time.getTime()) ? undefined : time
}

/** The engine's HTTP status, of an error that is an answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined
}

export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || String(error) : String(error)
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim()
}

/** The answer, or undefined for a status that means "that is so already". */
export async function unless<T>(statuses: readonly number[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return undefined
    throw error
  }
}
