import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import {
  dockerConfigFile,
  findDockerLogin,
  IMAGE_MANIFEST_TYPES,
  type ImageName,
  originOfRegistry,
} from '@trainyard/contract'
import { BaseImageError, PushRefusedError } from '../errors.ts'
import { PushSession } from '../publish/push-session.ts'
import type { BlobSource } from './read-base.ts'

export interface PullOptions {
  env: Readonly<Record<string, string | undefined>>
  signal?: AbortSignal | undefined
  fetch?: typeof fetch | undefined
}

/** An image in a registry, with the credentials of `docker login`. */
export async function pullBase(
  name: ImageName,
  { env, signal, fetch: send = fetch }: PullOptions,
): Promise<BlobSource> {
  const { host, repository, reference } = name
  const configText = await readFile(dockerConfigFile(env, homedir()), 'utf8').catch(() => '{}')
  const session = new PushSession({
    registryUrl: originOfRegistry(name),
    repository,
    token: undefined,
    login: findDockerLogin(configText, host),
    access: 'pull',
    fetch: send,
    signal,
    maxAttempts: 5,
    retryMs: 500,
    onWarning: () => undefined,
  })
  const get = async (path: string): Promise<Response> => {
    const request = {
      method: 'GET',
      target: `/v2/${repository}/${path}`,
      headers: { accept: IMAGE_MANIFEST_TYPES },
    } as const
    const response = await session
      .withRetries(() => session.request({ ...request, expect: [200, 404] }))
      .catch((error: unknown) => {
        if (!(error instanceof PushRefusedError) || ![401, 403].includes(error.status)) throw error
        throw new BaseImageError(
          `${host} does not let you read ${repository} (${error.status}): if it exists, run "docker login ${host}"`,
          { cause: error },
        )
      })
    if (response.status === 200) return response
    await response.body?.cancel()
    throw new BaseImageError(`${host} has no image ${repository} with the ${path.replace('s/', ' ')}`)
  }
  const read = async (path: string) => Buffer.from(await (await get(path)).arrayBuffer())
  return {
    root: await read(`manifests/${reference}`),
    isFromRegistry: true,
    manifest: (digest) => read(`manifests/${digest}`),
    async blob(digest) {
      const { body } = await get(`blobs/${digest}`)
      if (body === null) throw new BaseImageError(`${host} sent nothing for the blob ${digest} of ${repository}`)
      return body
    },
  }
}
