import { createHash, randomBytes } from 'node:crypto'
import type nodeFs from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  BUNDLE_CONFIG_MEDIA_TYPE,
  BUNDLE_MEDIA_TYPE,
  type CheckName,
  type CheckResult,
  type TrainerManifest,
  type ValidationReport,
} from '@trainyard/contract'
import {
  type Clock,
  createFolderStore,
  createLogger,
  DEFAULT_AUTH,
  type Listening,
  listen,
  openIdentity,
} from '@trainyard/platform'
import { dropTestSchemas, testDatabaseUrl } from '@trainyard/platform/testing'
import { packTar } from 'modern-tar'
import type { RegistryConfig } from '../config.ts'
import { createRegistry, type Registry } from '../registry.ts'
import type { ValidateFunction } from '../validation/validate.ts'

/** A registry with a schema in a real PostgreSQL and a temporary folder. */
export interface Harness {
  registry: Registry
  config: RegistryConfig
  /** Creates a token with these scopes and returns its secret. */
  token(scopes: string[], owner?: string): Promise<string>
  request(path: string, init?: RequestInit & { token?: string | undefined }): Promise<Response>
  /** Listens on a free port and sets `publicUrl` to it. */
  listen(): Promise<Listening>
  /** Another registry with the same database and store, as after a restart. */
  restart(validate?: ValidateFunction, stopMs?: number): Promise<Registry>
  close(): Promise<void>
}

export interface HarnessOptions {
  validate?: ValidateFunction | undefined
  config?: Partial<RegistryConfig> | undefined
  clock?: Clock | undefined
  /** Of the store. Default: the real one. */
  fileSystem?: typeof nodeFs | undefined
}

export async function createHarness(options: HarnessOptions = {}): Promise<Harness> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-registry-'))
  const prefix = `test_${randomBytes(6).toString('hex')}`
  const url = options.config?.databaseUrl ?? testDatabaseUrl()
  const config: RegistryConfig = {
    publicUrl: 'http://127.0.0.1:7600',
    databaseUrl: url,
    databaseSchema: prefix,
    dataDir: dir,
    tokenSeconds: 300,
    checkConcurrency: 1,
    checkTimeoutSeconds: 60,
    checkLeaseSeconds: 30,
    checkTries: 3,
    pollMs: 100,
    plainNamespaces: ['plain'],
    redirectPulls: false,
    maxBundleBytes: 64 * 1024 * 1024,
    uploadSeconds: 3600,
    collectSeconds: 600,
    collectDelaySeconds: 86_400,
    auth: { ...DEFAULT_AUTH, mode: 'required' },
    ...options.config,
  }
  const logger = createLogger({ name: 'test', level: 'silent' })
  const identity = await openIdentity({ url, schemaPrefix: `${prefix}_`, logger })
  const store = createFolderStore({
    dir: join(dir, 'store'),
    publicUrl: config.publicUrl,
    secret: 'a secret of the tests',
    fileSystem: options.fileSystem,
  })
  const open = (validate: ValidateFunction, stopMs?: number) =>
    createRegistry({
      config,
      store,
      identity,
      logger,
      validate,
      clock: options.clock,
      stopMs,
    })
  const registry = await open(options.validate ?? passes)
  const others: Registry[] = []
  const servers: Listening[] = []
  return {
    registry,
    config,
    token: async (scopes, owner = 'ada') => (await identity.createToken({ owner, name: 'test', scopes })).secret,
    request: async (path, { token, ...init } = {}) => {
      const headers = new Headers(init.headers)
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      return registry.app.request(path, { ...init, headers, duplex: 'half' } as RequestInit)
    },
    async listen() {
      const server = await listen(registry.app, { port: 0 })
      config.publicUrl = server.url
      servers.push(server)
      return server
    },
    async restart(validate = passes, stopMs) {
      const other = await open(validate, stopMs)
      others.push(other)
      return other
    },
    async close() {
      for (const server of servers) await server.close()
      for (const each of [registry, ...others]) await each.stop()
      await identity.close()
      await dropTestSchemas(identity.schema, prefix)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The names under which the validator reports its phases. */
const CHECK_OF_PHASE = { static: 'manifest', security: 'secrets', compliance: 'compliance' } as const

/** A validator that passes everything. */
export const passes: ValidateFunction = async ({ phases, onCheck }) =>
  reportOf(
    phases.map((phase) => ({ name: CHECK_OF_PHASE[phase], status: 'passed', findings: [] })),
    onCheck,
  )

/** Reports these checks, one after the other, and returns the report. */
export function reportOf(checks: CheckResult[], onCheck: (check: CheckResult) => void): ValidationReport {
  for (const check of checks) onCheck(check)
  const failed = checks.some(({ status }) => status === 'failed')
  return {
    verdict: failed ? 'failed' : 'passed',
    profile: 'marketplace',
    seed: 1,
    durationMs: 1,
    checks,
    timeline: [],
  }
}

export function digestOf(bytes: Uint8Array | string, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

export function trainerManifest(name: string, version: string, more: Partial<TrainerManifest> = {}): unknown {
  return {
    name,
    version,
    displayName: 'Tiny',
    description: 'A tiny trainer',
    license: 'MIT',
    authors: ['Ada'],
    contract: '1',
    framework: 'none',
    entrypoints: { train: ['node', 'train.js'] },
    models: [{ name: 'tiny', taskTypes: ['classification'] }],
    taskTypes: ['classification'],
    datasetFormats: ['imagefolder'],
    ...more,
  }
}

export interface TarItem {
  name: string
  body?: string | Uint8Array
  type?: 'file' | 'directory' | 'symlink' | 'link'
  linkname?: string
}

export async function tarGz(items: readonly TarItem[]): Promise<Uint8Array> {
  const archive = await packTar(
    items.map(({ name, body, type = 'file', linkname }) => ({
      header: {
        name,
        type,
        size: Buffer.byteLength(body ?? ''),
        mode: 0o644,
        mtime: new Date(0),
        linkname: linkname ?? '',
      },
      body: body ?? '',
    })),
  )
  return gzipSync(archive)
}

/** Pushes a blob with POST and PUT, as `docker push` does. */
export async function pushBlob(
  harness: Harness,
  { name, token, bytes }: { name: string; token: string; bytes: Uint8Array },
): Promise<string> {
  const opened = await harness.request(`/v2/${name}/blobs/uploads/`, { method: 'POST', token })
  if (opened.status !== 202) throw new Error(`POST returned ${opened.status}: ${await opened.text()}`)
  const digest = digestOf(bytes)
  const put = await harness.request(`${opened.headers.get('location')}?digest=${digest}`, {
    method: 'PUT',
    token,
    body: Buffer.from(bytes),
  })
  if (put.status !== 201) throw new Error(`PUT returned ${put.status}: ${await put.text()}`)
  return digest
}

export interface PushOptions {
  name: string
  version: string
  token: string
  /** Default: {@link trainerManifest}. */
  manifest?: unknown
  items?: readonly TarItem[]
  /** Replaces the archive of `items`. */
  layer?: Uint8Array
}

/** Pushes a bundle and returns the response to its manifest. */
export async function pushBundle(harness: Harness, options: PushOptions): Promise<Response> {
  const { name, version, token, manifest = trainerManifest(name, version) } = options
  const text = JSON.stringify(manifest)
  const items = options.items ?? [
    { name: 'trainer.json', body: text },
    { name: 'README.md', body: '# Tiny\n' },
    { name: 'train.js', body: 'process.exit(0)\n' },
  ]
  const layer = options.layer ?? (await tarGz(items))
  const config = Buffer.from(text)
  const content = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: BUNDLE_MEDIA_TYPE,
    config: {
      mediaType: BUNDLE_CONFIG_MEDIA_TYPE,
      digest: await pushBlob(harness, { name, token, bytes: config }),
      size: config.byteLength,
    },
    layers: [
      {
        mediaType: BUNDLE_MEDIA_TYPE,
        digest: await pushBlob(harness, { name, token, bytes: layer }),
        size: layer.byteLength,
      },
    ],
  })
  return harness.request(`/v2/${name}/manifests/${version}`, {
    method: 'PUT',
    token,
    headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
    body: content,
  })
}

export interface ImageOptions extends Omit<PushOptions, 'items' | 'layer'> {
  layers: readonly (readonly TarItem[])[]
  labels?: Record<string, string>
  /** Default: `amd64`. */
  architecture?: string
}

/** Pushes an image with these items in its layers. */
export async function pushImage(harness: Harness, options: ImageOptions): Promise<Response> {
  return putManifest(harness, options, await pushImageContent(harness, options))
}

/** Pushes images, and an index that names their platforms. */
export async function pushIndex(harness: Harness, images: readonly ImageOptions[]): Promise<Response> {
  const manifests = []
  for (const image of images) {
    const content = await pushImageContent(harness, image)
    const digest = digestOf(content)
    const put = await putManifest(harness, { ...image, version: digest }, content)
    if (put.status !== 201) throw new Error(`PUT returned ${put.status}: ${await put.text()}`)
    const platform = { os: 'linux', architecture: image.architecture ?? 'amd64' }
    manifests.push({ mediaType: IMAGE_MANIFEST, digest, size: Buffer.byteLength(content), platform })
  }
  const [first] = images
  if (first === undefined) throw new Error('an index needs an image')
  const content = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests })
  return putManifest(harness, first, content, IMAGE_INDEX)
}

const IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json'

function putManifest(
  harness: Harness,
  { name, version, token }: Pick<PushOptions, 'name' | 'version' | 'token'>,
  body: string,
  mediaType = IMAGE_MANIFEST,
): Promise<Response> {
  const headers = { 'content-type': mediaType }
  return harness.request(`/v2/${name}/manifests/${version}`, { method: 'PUT', token, headers, body })
}

/** Pushes the layers and the config of an image, and returns its manifest. */
async function pushImageContent(
  harness: Harness,
  { name, token, layers, labels, architecture = 'amd64' }: ImageOptions,
): Promise<string> {
  const descriptors = []
  const diffIds: string[] = []
  for (const items of layers) {
    const bytes = await tarGz(items)
    diffIds.push(digestOf(gunzipSync(bytes)))
    descriptors.push({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: await pushBlob(harness, { name, token, bytes }),
      size: bytes.byteLength,
    })
  }
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture,
      config: { User: '10001', Cmd: ['/train'], Labels: labels ?? {} },
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  )
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: IMAGE_MANIFEST,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: await pushBlob(harness, { name, token, bytes: config }),
      size: config.byteLength,
    },
    layers: descriptors,
  })
}

export interface StoredCheck {
  state: string
  finishedAt?: string
  checks: CheckResult[]
}

/** The result of one check. */
export function resultOf({ checks }: Pick<StoredCheck, 'checks'>, name: CheckName): CheckResult {
  const result = checks.find((check) => check.name === name)
  if (!result) throw new Error(`no check is called ${name}: ${JSON.stringify(checks)}`)
  return result
}

/** Waits for the check of a push to finish. */
export async function endOfCheck(harness: Harness, token: string, pushed: Response): Promise<StoredCheck> {
  const id = pushed.headers.get('trainyard-check')
  if (!id) throw new Error(`the push returned ${pushed.status} without a check: ${await pushed.text()}`)
  for (let tries = 0; tries < 9600; tries++) {
    const check = (await (await harness.request(`/v1/checks/${id}`, { token })).json()) as StoredCheck
    if (check.finishedAt !== undefined) return check
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`the check ${id} did not finish`)
}
