import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** How to reach an engine: over a socket of this machine, or over TCP. */
export interface EngineAddress {
  socketPath?: string | undefined
  host?: string | undefined
  port?: string | undefined
  tls?: { ca: Buffer; cert: Buffer; key: Buffer } | undefined
  /** For how long a connection may be silent, in milliseconds. */
  timeoutMs: number
}

/** An answer of the engine with a status of 400 or more, or 304 for a change that was made already. */
export class EngineError extends Error {
  override name = 'EngineError'
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

type Query = Readonly<Record<string, string | number | boolean | object | undefined>>

interface EngineRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  path: string
  query?: Query
  /** An object is sent as JSON, everything else as an archive. */
  body?: object | Buffer | Readable
  headers?: Readonly<Record<string, string>>
  /** Aborting it ends the request, and an answer that is still arriving. */
  signal?: AbortSignal | undefined
}

export interface ContainerState {
  Status: string
  Pid: number
  ExitCode: number
  OOMKilled: boolean
  Error: string
  FinishedAt: string
}

export interface ContainerDetails {
  Id: string
  Created: string
  Config: { Labels: Record<string, string>; [more: string]: unknown }
  State: ContainerState
  HostConfig: Record<string, unknown>
}

interface NetworkDetails {
  Id: string
  Name: string
  Created?: string
  Labels: Record<string, string> | null
  IPAM?: { Config?: { Subnet?: string; Gateway?: string }[] | null } | null
}

interface VolumeDetails {
  Name: string
  Labels: Record<string, string> | null
}

/** A network to create. */
export interface NetworkSpec {
  Name: string
  Driver?: string
  Internal?: boolean
  CheckDuplicate?: boolean
  IPAM?: { Driver: string; Config: { Subnet: string; AuxiliaryAddresses?: Record<string, string> }[] }
  Labels?: Record<string, string>
}

type Filters = Readonly<Record<string, readonly string[]>>

/**
 * The part of the Docker Engine API (https://docs.docker.com/reference/api/engine/) that the launcher uses, without a version in its
 * paths: each engine answers with its own. Names of fields are those of the API.
 */
export class EngineClient {
  readonly #address: EngineAddress

  constructor(address: EngineAddress) {
    this.#address = address
  }

  async version(): Promise<{ Os: string; Arch: string }> {
    return await this.#json({ method: 'GET', path: '/version' })
  }

  async info(): Promise<{
    ID: string
    NCPU: number
    Architecture?: string
    MemoryLimit?: boolean
    Runtimes?: Record<string, unknown>
  }> {
    return await this.#json({ method: 'GET', path: '/info' })
  }

  async df(): Promise<{ Volumes: { Name: string; UsageData?: { Size: number } | null }[] | null }> {
    return await this.#json({ method: 'GET', path: '/system/df' })
  }

  async listContainers(
    query: { all?: boolean; filters?: Filters } = {},
  ): Promise<{ Id: string; Names: string[]; Labels: Record<string, string> }[]> {
    return await this.#json({ method: 'GET', path: '/containers/json', query })
  }

  async listNetworks(query: { filters?: Filters } = {}): Promise<NetworkDetails[]> {
    return await this.#json({ method: 'GET', path: '/networks', query })
  }

  async listVolumes(query: { filters?: Filters } = {}): Promise<{ Volumes: VolumeDetails[] | null }> {
    return await this.#json({ method: 'GET', path: '/volumes', query })
  }

  async listImages(query: { filters?: Filters } = {}): Promise<{ Id: string; RepoTags: string[] | null }[]> {
    return await this.#json({ method: 'GET', path: '/images/json', query })
  }

  async createContainer({ name, ...body }: { name: string; [more: string]: unknown }): Promise<EngineContainer> {
    await this.#json({ method: 'POST', path: '/containers/create', query: { name }, body })
    return this.getContainer(name)
  }

  async createNetwork(body: NetworkSpec): Promise<{ Id: string }> {
    return await this.#json({ method: 'POST', path: '/networks/create', body })
  }

  async createVolume(body: { Name: string; Labels?: Record<string, string> }): Promise<void> {
    await this.#json({ method: 'POST', path: '/volumes/create', body })
  }

  getContainer(id: string) {
    const path = `/containers/${id}`
    return {
      inspect: () => this.#json<ContainerDetails>({ method: 'GET', path: `${path}/json` }),
      start: () => this.#json<void>({ method: 'POST', path: `${path}/start` }),
      kill: (query: { signal: string }) => this.#json<void>({ method: 'POST', path: `${path}/kill`, query }),
      /** `t`: seconds until it is killed. */
      stop: (query: { t: number }) => this.#json<void>({ method: 'POST', path: `${path}/stop`, query }),
      remove: (query: { force?: boolean; v?: boolean } = {}) => this.#json<void>({ method: 'DELETE', path, query }),
      stats: (query: { stream: false; 'one-shot': boolean }) =>
        this.#json<unknown>({ method: 'GET', path: `${path}/stats`, query }),
      logs: (query: { stdout: boolean; stderr: boolean; timestamps: boolean; since: string }) =>
        this.#stream({ method: 'GET', path: `${path}/logs`, query }),
      /** The archive of a file or folder. */
      getArchive: (query: { path: string }) => this.#stream({ method: 'GET', path: `${path}/archive`, query }),
      /** Whether a file or folder exists: it fails with 404 when it does not. */
      infoArchive: async (query: { path: string }) => {
        await this.#json({ method: 'HEAD', path: `${path}/archive`, query })
        return true
      },
      putArchive: (body: Buffer | Readable, query: { path: string }) =>
        this.#json<void>({ method: 'PUT', path: `${path}/archive`, query, body }),
    }
  }

  getNetwork(id: string) {
    const path = `/networks/${id}`
    return {
      inspect: () => this.#json<NetworkDetails>({ method: 'GET', path }),
      remove: () => this.#json<void>({ method: 'DELETE', path }),
    }
  }

  getVolume(name: string) {
    const path = `/volumes/${name}`
    return {
      inspect: () => this.#json<VolumeDetails>({ method: 'GET', path }),
      remove: () => this.#json<void>({ method: 'DELETE', path }),
    }
  }

  getImage(name: string) {
    const path = `/images/${name}`
    return {
      inspect: () => this.#json<{ Id: string; RepoTags?: string[] | null }>({ method: 'GET', path: `${path}/json` }),
      tag: (query: { repo: string; tag: string }) => this.#json<void>({ method: 'POST', path: `${path}/tag`, query }),
      remove: (query: { force?: boolean } = {}) => this.#json<unknown>({ method: 'DELETE', path, query }),
    }
  }

  /** Pulls an image. The engine answers with a line of JSON for each step. */
  async createImage(
    auth: object | undefined,
    { signal, ...query }: { fromImage: string; tag: string; signal?: AbortSignal },
  ): Promise<Readable> {
    const header =
      auth && Buffer.from(JSON.stringify(auth)).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
    const headers = header === undefined ? {} : { 'x-registry-auth': header }
    return await this.#stream({ method: 'POST', path: '/images/create', query, headers, signal })
  }

  /** Loads the archive of `docker save`. */
  async loadImage(archive: Readable): Promise<Readable> {
    return await this.#stream({ method: 'POST', path: '/images/load', query: { quiet: true }, body: archive })
  }

  /** The whole answer as JSON; undefined where it is empty. */
  async #json<T>(request: EngineRequest): Promise<T> {
    const text = await readAll(await this.#stream(request))
    return text === '' ? (undefined as T) : JSON.parse(text)
  }

  /** @throws EngineError with the engine's message for an answer that is not a success */
  async #stream(request: EngineRequest): Promise<Readable> {
    const response = await this.#send(request)
    const { statusCode = 0 } = response
    if (statusCode >= 200 && statusCode < 300) return response
    throw new EngineError(statusCode, messageIn(await readAll(response)) ?? `it answered with status ${statusCode}`)
  }

  async #send({ method, path, query, body, headers, signal }: EngineRequest): Promise<IncomingMessage> {
    const { socketPath, host, port, tls, timeoutMs } = this.#address
    const open = tls === undefined ? httpRequest : httpsRequest
    const where = socketPath === undefined ? { host, port, ...tls } : { socketPath }
    const [bytes, type] = encode(body)
    const length = bytes instanceof Readable ? {} : { 'content-length': bytes?.length ?? 0 }
    return await new Promise((resolve, reject) => {
      const request = open({
        ...where,
        method,
        path: path + searchOf(query),
        headers: { ...headers, ...(type && { 'content-type': type }), ...length },
        ...(signal && { signal }),
      })
      request.setTimeout(timeoutMs, () =>
        request.destroy(new Error(`the engine sent nothing for ${Math.round(timeoutMs / 1000)} s`)),
      )
      // Before the error of the request, which only tells that the connection ended.
      if (bytes instanceof Readable) bytes.on('error', reject)
      request.on('error', reject)
      request.on('response', resolve)
      write(request, bytes)
    })
  }
}

export type EngineContainer = ReturnType<EngineClient['getContainer']>

function encode(body: EngineRequest['body']): [bytes: Buffer | Readable | undefined, type: string | undefined] {
  if (body === undefined) return [undefined, undefined]
  if (body instanceof Readable || Buffer.isBuffer(body)) return [body, 'application/x-tar']
  return [Buffer.from(JSON.stringify(body)), 'application/json']
}

function write(request: ClientRequest, bytes: Buffer | Readable | undefined): void {
  if (!(bytes instanceof Readable)) request.end(bytes)
  else pipeline(bytes, request).catch((error: Error) => request.destroy(error))
}

function searchOf(query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) search.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  return search.size === 0 ? '' : `?${search}`
}

async function readAll(answer: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function messageIn(text: string): string | undefined {
  try {
    const { message }: { message?: unknown } = JSON.parse(text)
    return typeof message === 'string' ? message : undefined
  } catch {
    return text.trim() === '' ? undefined : text.trim().slice(0, 1000)
  }
}
