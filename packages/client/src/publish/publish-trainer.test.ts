import { createHash, randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BUNDLE_CONFIG_MEDIA_TYPE, BUNDLE_MEDIA_TYPE } from '@trainyard/contract'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  InvalidTrainerError,
  type PublishOptions,
  type PublishProgress,
  PushRefusedError,
  publishTrainer,
  VersionExistsError,
} from '../files.ts'
import { TrainyardUnreachableError } from '../index.ts'
import { type OciReceiver, startOciReceiver } from '../testing/oci-receiver.ts'
import { createTrainerFolder, exampleManifest } from '../testing/test-trainer.ts'

let registry: OciReceiver
beforeEach(async () => {
  registry = await startOciReceiver('ty_right')
})
afterEach(() => registry[Symbol.asyncDispose]())

const publish = (dir: string, options: Partial<PublishOptions> = {}) =>
  publishTrainer({ dir, registryUrl: registry.url, token: 'ty_right', retryMs: 1, ...options })

test('pushes a bundle as an OCI artifact and reports progress', async () => {
  await using folder = await createTrainerFolder({ 'weights.bin': randomBytes(300_000).toString('hex') })
  const progress: PublishProgress[] = []
  const result = await publish(folder.dir, { onProgress: (step) => progress.push(step) })

  const stored = registry.manifests.get('1.2.0')
  const manifest = JSON.parse(stored?.body.toString() ?? '')
  expect(result).toEqual({ name: 'acme/tiny', version: '1.2.0', digest: stored?.digest, checkId: 'chk_1' })
  expect(manifest).toMatchObject({
    schemaVersion: 2,
    mediaType: stored?.mediaType,
    artifactType: BUNDLE_MEDIA_TYPE,
    config: { mediaType: BUNDLE_CONFIG_MEDIA_TYPE },
    layers: [
      { mediaType: BUNDLE_MEDIA_TYPE, annotations: { 'org.opencontainers.image.title': 'acme-tiny-1.2.0.tar.gz' } },
    ],
    annotations: { 'org.opencontainers.image.title': 'acme/tiny', 'org.opencontainers.image.version': '1.2.0' },
  })
  expect(JSON.parse(registry.blobs.get(manifest.config.digest)?.toString() ?? '')).toEqual(exampleManifest)
  expect(registry.blobs.get(manifest.layers[0].digest)?.length).toBe(manifest.layers[0].size)
  const types = progress.map(({ type }) => type)
  expect([...new Set(types)]).toEqual(['packing', 'packed', 'uploading', 'warning', 'pushed'])
  expect(progress.findLast((step) => step.type === 'uploading')).toMatchObject({ sentBytes: manifest.layers[0].size })
  expect(progress).toContainEqual({ type: 'warning', text: 'in "quarantine" until it is checked' })
})

test('pushing the same folder again succeeds without an upload', async () => {
  await using folder = await createTrainerFolder()
  const first = await publish(folder.dir)
  registry.requests.length = 0
  const second = await publish(folder.dir)
  expect(second).toEqual(first)
  expect(registry.requests.filter((request) => request.startsWith('POST'))).toEqual([])
})

test('adds a bundle to a version that has only an image', async () => {
  await using folder = await createTrainerFolder()
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, layers: [] }))
  registry.manifests.set('1.2.0', { digest: `sha256:${'a'.repeat(64)}`, body, mediaType: 'an image' })
  const { digest } = await publish(folder.dir)
  expect(registry.manifests.get('1.2.0')?.digest).toBe(digest)
})

test('refuses other content under the same version before the upload', async () => {
  await using folder = await createTrainerFolder()
  await publish(folder.dir)
  await writeFile(join(folder.dir, 'train.mjs'), 'console.log("changed")')
  registry.requests.length = 0
  const failure = publish(folder.dir)
  await expect(failure).rejects.toThrow(VersionExistsError)
  await expect(failure).rejects.toThrow(
    'version 1.2.0 of acme/tiny already exists and versions are immutable: raise "version" in trainer.json',
  )
  expect(registry.requests.filter((request) => request.startsWith('POST'))).toEqual([])
})

test('refuses a version that is created during the upload', async () => {
  await using folder = await createTrainerFolder()
  registry.intercept = (request) => {
    if (request.method === 'POST')
      registry.manifests.set('1.2.0', {
        digest: `sha256:${'0'.repeat(64)}`,
        body: Buffer.from(JSON.stringify({ artifactType: BUNDLE_MEDIA_TYPE })),
        mediaType: '',
      })
    return false
  }
  await expect(publish(folder.dir)).rejects.toThrow(VersionExistsError)
})

test('retries after failures of the registry and lost connections', async () => {
  await using folder = await createTrainerFolder()
  let failures = 0
  registry.intercept = (request, response) => {
    if (request.method !== 'PUT' || failures >= 3) return false
    failures += 1
    if (failures === 1) request.socket.destroy()
    else response.writeHead(503, { 'retry-after': '0' }).end()
    return true
  }
  const result = await publish(folder.dir)
  expect(failures).toBe(3)
  const body = registry.manifests.get('1.2.0')?.body ?? Buffer.alloc(0)
  expect(result.digest).toBe(`sha256:${createHash('sha256').update(body).digest('hex')}`)
})

test('throws the reason after the last attempt', async () => {
  await using folder = await createTrainerFolder()
  registry.intercept = (_request, response) => {
    response.writeHead(500).end()
    return true
  }
  await expect(publish(folder.dir, { maxAttempts: 3 })).rejects.toThrow('/v2/ answered 500')
  expect(registry.requests).toHaveLength(3)
})

test('requests a new short-lived token after the first one expired', async () => {
  await using folder = await createTrainerFolder()
  let expired = false
  registry.intercept = (request, response) => {
    if (request.method !== 'POST' || expired) return false
    expired = true
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${registry.url}/token",service="test"` }).end()
    return true
  }
  await expect(publish(folder.dir)).resolves.toMatchObject({ version: '1.2.0' })
  expect(registry.requests.filter((request) => request.includes('/token?'))).toHaveLength(2)
})

test.each([
  ['ty_wrong', 'refused the token'],
  [undefined, 'requires a token'],
])('reports what is wrong with the token %s', async (token, message) => {
  await using folder = await createTrainerFolder()
  const failure = publish(folder.dir, { token })
  await expect(failure).rejects.toThrow(PushRefusedError)
  await expect(failure).rejects.toThrow(message)
})

test('passes on code and message of a refusal', async () => {
  await using folder = await createTrainerFolder()
  registry.intercept = (request, response) => {
    if (request.method !== 'POST') return false
    response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'acme is not yours' }] }))
    return true
  }
  await expect(publish(folder.dir)).rejects.toMatchObject({ code: 'DENIED', status: 403, message: 'acme is not yours' })
})

test('names the registry that does not answer', async () => {
  await using folder = await createTrainerFolder()
  const { url } = registry
  await registry[Symbol.asyncDispose]()
  const failure = publish(folder.dir, { maxAttempts: 2 })
  await expect(failure).rejects.toThrow(TrainyardUnreachableError)
  await expect(failure).rejects.toThrow(`No answer from ${url}`)
  registry = await startOciReceiver('ty_right')
})

test('names every invalid field of trainer.json, its value and what is expected', async () => {
  const { license: _, ...manifest } = exampleManifest
  const broken = { ...manifest, version: 'v1', models: [{ name: 'tiny', taskTypes: ['colouring'] }] }
  await using folder = await createTrainerFolder({ 'trainer.json': JSON.stringify(broken) })
  const failure = publish(folder.dir)
  await expect(failure).rejects.toThrow(InvalidTrainerError)
  await expect(failure).rejects.toThrow(
    'version: must be a semantic version such as "1.2.3" or "2.0.0-rc.1" (got "v1")',
  )
  await expect(failure).rejects.toThrow('models.0.taskTypes.0: ')
  await expect(failure).rejects.toThrow(/license: .* \(it is missing\)/)
  expect(registry.requests).toEqual([])
})

test('reports a trainer.json that is missing, invalid or excluded', async () => {
  await using folder = await createTrainerFolder({ 'trainer.json': '{ "name": ' })
  await expect(publish(folder.dir)).rejects.toThrow('trainer.json is not JSON')
  await rm(join(folder.dir, 'trainer.json'))
  await expect(publish(folder.dir)).rejects.toThrow('No trainer.json in')
  await expect(publish(join(folder.dir, 'nowhere'))).rejects.toThrow('is not a folder')
  await using ignoring = await createTrainerFolder({ '.trainyardignore': '*.json' })
  await expect(publish(ignoring.dir)).rejects.toThrow('.trainyardignore excludes trainer.json')
})

test('refuses an address that is not a URL', async () => {
  await using folder = await createTrainerFolder()
  await expect(publish(folder.dir, { registryUrl: 'registry.example' })).rejects.toThrow('must begin with http')
})
