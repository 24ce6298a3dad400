import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { Agent, type IncomingMessage, request } from 'node:http'

export interface Registry {
  url: string
  /** The value of `Authorization`; undefined for a registry without authentication. */
  authorization?: string | undefined
}

interface Blob {
  bytes: Buffer
  digest: string
}

export interface Pushed {
  repository: string
  tag: string
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** Random at its beginning, so that every run pushes other bytes. */
export function createBlob(sizeBytes: number): Blob {
  const bytes = Buffer.alloc(sizeBytes)
  randomBytes(Math.min(4096, sizeBytes)).copy(bytes)
  return { bytes, digest: digestOf(bytes) }
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

interface Call {
  method: string
  path: string
  body?: Uint8Array | undefined
  headers?: Record<string, string> | undefined
  /** The statuses that are no failure. */
  expected: number
}

/** One client with one connection, which does what `zb` of project-zot/zot does: every push goes to a new repository. */
export class RegistryClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #registry: Registry
  readonly #url: URL

  constructor(registry: Registry) {
    this.#registry = registry
    this.#url = new URL(registry.url)
  }

  /** POST and PUT of the layer, POST and PUT of the config, PUT of the manifest. */
  async pushWhole(layer: Blob): Promise<Pushed> {
    return await this.#push(layer, async (location) => {
      await this.#call({ method: 'PUT', path: withDigest(location, layer.digest), body: layer.bytes, expected: 201 })
    })
  }

  /** The same, with the layer in one streamed PATCH, as Docker sends it. */
  async pushChunk(layer: Blob): Promise<Pushed> {
    return await this.#push(layer, async (location) => {
      const patched = await this.#call({ method: 'PATCH', path: location, body: layer.bytes, expected: 202 })
      await this.#call({ method: 'PUT', path: withDigest(locationOf(patched), layer.digest), expected: 201 })
    })
  }

  /** HEAD and GET of the manifest, then the config and the layer. */
  async pull({ repository, tag }: Pushed): Promise<void> {
    const path = `/v2/${repository}/manifests/${tag}`
    await this.#call({ method: 'HEAD', path, expected: 200 })
    const answer = await this.#call({ method: 'GET', path, expected: 200 }, true)
    const manifest = JSON.parse(answer.text) as { config: { digest: string }; layers: { digest: string }[] }
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      await this.#call({ method: 'GET', path: `/v2/${repository}/blobs/${digest}`, expected: 200 })
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  async #push(layer: Blob, sendLayer: (location: string) => Promise<void>): Promise<Pushed> {
    const repository = `plain/${randomUUID()}`
    const uploads = { method: 'POST', path: `/v2/${repository}/blobs/uploads/`, expected: 202 }
    await sendLayer(locationOf(await this.#call(uploads)))
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', author: repository }))
    const location = locationOf(await this.#call(uploads))
    await this.#call({ method: 'PUT', path: withDigest(location, digestOf(config)), body: config, expected: 201 })
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: digestOf(config),
        size: config.byteLength,
      },
      layers: [
        {
          mediaType: 'application/vnd.oci.image.layer.v1.tar',
          digest: layer.digest,
          size: layer.bytes.byteLength,
        },
      ],
    })
    await this.#call({
      method: 'PUT',
      path: `/v2/${repository}/manifests/tag`,
      body: Buffer.from(manifest),
      headers: { 'content-type': MANIFEST },
      expected: 201,
    })
    return { repository, tag: 'tag' }
  }

  #call({ method, path, body, headers, expected }: Call, keep = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { authorization } = this.#registry
      const call = request(
        {
          agent: this.#agent,
          host: this.#url.hostname,
          port: this.#url.port,
          method,
          path,
          headers: {
            accept: MANIFEST,
            ...headers,
            ...(authorization && { authorization }),
            'content-length': body?.byteLength ?? 0,
          },
        },
        (response) => {
          let text = ''
          const isKept = keep || response.statusCode !== expected
          if (isKept) response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          else response.resume()
          response.on('error', reject)
          response.on('end', () => {
            if (response.statusCode === expected) resolve({ response, text })
            else
              reject(
                new Error(
                  `${body?.byteLength} ${method} ${this.#url.origin}${path}: ${response.statusCode} ${text.slice(0, 300)}`,
                ),
              )
          })
        },
      )
      call.on('error', reject)
      call.end(body)
    })
  }
}

interface Answer {
  response: IncomingMessage
  text: string
}

/** Path and query of an upload's next request. */
function locationOf({ response }: Answer): string {
  const { pathname, search } = new URL(response.headers.location ?? '', 'http://registry.test')
  return pathname + search
}

const withDigest = (location: string, digest: string) =>
  `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
