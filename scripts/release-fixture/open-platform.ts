import { join } from 'node:path'
import { createFolderStore, createLogger, DEFAULT_AUTH, type Identity, type ObjectStore } from '@trainyard/platform'
import { createRegistry, type Registry } from '../../packages/registry/src/registry.ts'
import { passes } from '../../packages/registry/src/testing/harness.ts'
import { type Harness, type HarnessOptions, startHarness } from '../../packages/runner/src/testing/harness.ts'

/** Runner and registry over one database and one store, with the names of schemas that a real platform has. */
export interface Platform {
  runner: Harness
  registry: Registry
  identity: Identity
  store: ObjectStore
  /** One request to the server that has the path. */
  request(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

export interface PlatformOptions extends Pick<HarnessOptions, 'start'> {
  databaseUrl: string
  /** Folder of the objects. Default: the runner's own. */
  objectsDir?: string | undefined
}

export async function openPlatform({ databaseUrl, objectsDir, start }: PlatformOptions): Promise<Platform> {
  const open = (dir: string, publicUrl: string) => createFolderStore({ dir, publicUrl, secret: 'not used for signing' })
  const ownStore = objectsDir === undefined ? undefined : open(objectsDir, 'http://127.0.0.1')
  const runner = await startHarness({
    start,
    config: { databaseUrl, databaseSchema: 'runner', identitySchemaPrefix: '' },
    runner: ownStore === undefined ? {} : { store: ownStore },
  })
  const { identity, store } = runner.runner.context
  const registry = await createRegistry({
    config: {
      publicUrl: runner.url,
      databaseUrl,
      databaseSchema: 'registry',
      dataDir: join(runner.config.dataDir, 'registry'),
      tokenSeconds: 300,
      checkConcurrency: 1,
      checkTimeoutSeconds: 60,
      checkLeaseSeconds: 30,
      checkTries: 3,
      pollMs: 100,
      plainNamespaces: [],
      redirectPulls: false,
      maxBundleBytes: 1_000_000,
      uploadSeconds: 3600,
      collectSeconds: 600,
      collectDelaySeconds: 86_400,
      auth: DEFAULT_AUTH,
    },
    store,
    identity,
    logger: createLogger({ name: 'registry', level: 'silent' }),
    validate: passes,
  })
  return {
    runner,
    registry,
    identity,
    store,
    request: async (path, init) =>
      /^\/(v2|v1\/(trainers|checks))/.test(path)
        ? await registry.app.request(path, init)
        : await runner.request(path, init),
    async close() {
      await registry.stop()
      await runner.close()
    },
  }
}
