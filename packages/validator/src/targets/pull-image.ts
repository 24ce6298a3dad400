import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import {
  dockerConfigFile,
  findDockerLogin,
  IMAGE_MANIFEST_TYPES,
  type ImageName,
  originOfRegistry,
} from '@trainyard/contract'
import { z } from 'zod'
import { TargetUnavailableError, UsageError } from '../errors.ts'
import { parseManifestJson } from '../image/list-images.ts'
import type { ImageStore } from './image-store.ts'
import { readStored, type Scratch, type StoredFile } from './scratch.ts'

const TokenAnswer = z.union([
  z.object({ token: z.string() }),
  z.object({ access_token: z.string() }).transform((answer) => ({ token: answer.access_token })),
])

export interface PullOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
  readonly fetch?: typeof fetch | undefined
}

/** An image in a registry. What is read of it is fetched then, once, and held to its digest. */
export async function pullImage(name: ImageName, scratch: Scratch, options: PullOptions): Promise<ImageStore> {
  const registry = new RegistryReader(name, options)
  const body = await registry.get(`manifests/${name.reference}`)
  const root = await scratch.store(body)
  if (name.reference.startsWith('sha256:') && root.digest !== name.reference)
    throw new TargetUnavailableError(`${name.host} sent a manifest with the digest ${root.digest}`)
  const bytes = await readStored(root)
  const fetched = new Map<string, Promise<StoredFile | undefined>>()
  const fetchBlob = async (digest: string): Promise<StoredFile | undefined> => {
    if (!/^sha256:[\da-f]{64}$/.test(digest)) return undefined
    const found = (await registry.find(`blobs/${digest}`)) ?? (await registry.find(`manifests/${digest}`))
    const stored = found && (await scratch.store(found))
    if (stored !== undefined && stored.digest !== digest)
      throw new TargetUnavailableError(`${name.host} sent bytes with the digest ${stored.digest} for ${digest}`)
    return stored
  }
  return {
    root: bytes === undefined ? undefined : parseManifestJson(bytes),
    find(digest) {
      const known = fetched.get(digest) ?? fetchBlob(digest)
      fetched.set(digest, known)
      return known
    },
  }
}

class RegistryReader {
  readonly #name: ImageName
  readonly #options: PullOptions
  #authorization: string | undefined

  constructor(name: ImageName, options: PullOptions) {
    this.#name = name
    this.#options = options
  }

  async get(path: string): Promise<AsyncIterable<Uint8Array>> {
    const body = await this.find(path)
    const { host, repository, reference } = this.#name
    if (body === undefined)
      throw new UsageError(
        `${host} has no image ${repository}:${reference} that you can read; if it is private, run: docker login ${host}`,
      )
    return body
  }

  async find(path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { host, repository } = this.#name
    const url = `${originOfRegistry(this.#name)}/v2/${repository}/${path}`
    let response = await this.#fetch(url, { accept: IMAGE_MANIFEST_TYPES })
    if (response.status === 401) {
      await this.#answerChallenge(response)
      response = await this.#fetch(url, { accept: IMAGE_MANIFEST_TYPES })
    }
    if (response.ok && response.body !== null) return response.body
    await response.body?.cancel()
    if (response.status === 404) return undefined
    if (response.status === 401 || response.status === 403)
      throw new UsageError(
        `${host} does not let you read ${repository} (${response.status}); run: docker login ${host}`,
      )
    throw new TargetUnavailableError(`${host} answered ${response.status} to a request for ${repository}`)
  }

  async #fetch(url: string, headers: Record<string, string>): Promise<Response> {
    const { signal = null, fetch: send = fetch } = this.#options
    const all = this.#authorization === undefined ? headers : { ...headers, authorization: this.#authorization }
    try {
      return await send(url, { headers: all, signal })
    } catch (error) {
      if (signal?.aborted) throw error
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
      throw new TargetUnavailableError(`${new URL(url).host} does not answer: ${cause}`)
    }
  }

  /** The 401 names an endpoint that issues a short-lived token: https://distribution.github.io/distribution/spec/auth/token/ */
  async #answerChallenge(response: Response): Promise<void> {
    const challenge = response.headers.get('www-authenticate') ?? ''
    await response.body?.cancel()
    const basic = await findCredentials(this.#name.host, this.#options.env)
    if (/^basic\b/i.test(challenge)) {
      this.#authorization = basic
      return
    }
    const parameters = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
    )
    if (!/^bearer\b/i.test(challenge) || !parameters.realm) return
    const origin = originOfRegistry(this.#name)
    const realm = new URL(parameters.realm, origin)
    if (origin.startsWith('https:') && realm.protocol !== 'https:')
      throw new TargetUnavailableError(`${origin} asks for a token at ${realm.origin}, which is not encrypted`)
    if (parameters.service) realm.searchParams.set('service', parameters.service)
    realm.searchParams.set('scope', `repository:${this.#name.repository}:pull`)
    this.#authorization = undefined
    const answer = await this.#fetch(realm.href, basic === undefined ? {} : { authorization: basic })
    const parsed = TokenAnswer.safeParse(await answer.json().catch(() => undefined))
    if (answer.ok && parsed.success) this.#authorization = `Bearer ${parsed.data.token}`
  }
}

/** What `docker login` stored. Programs that keep credentials elsewhere are not asked. */
async function findCredentials(host: string, env: PullOptions['env']): Promise<string | undefined> {
  const text = await readFile(dockerConfigFile(env, homedir()), 'utf8').catch(() => '{}')
  return findDockerLogin(text, host)
}
