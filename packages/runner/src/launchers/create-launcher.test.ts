import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@trainyard/platform'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRunnerConfig } from '../config.ts'
import { SandboxUnavailable } from '../errors.ts'
import { createLauncher } from './create-launcher.ts'
import { launchRequest } from './testing/launch-request.ts'

const logger = createLogger({ name: 'test', level: 'silent' })

describe('a machine without a sandbox', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-unsandboxed-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const env = {
    DATABASE_URL: 'postgres://x',
    PUBLIC_URL: 'http://127.0.0.1:7600',
    REGISTRY_URL: 'http://127.0.0.1:7600',
    SUBPROCESS_SANDBOX: 'none',
    GPU_DEVICES: 'none',
  }
  const launchWith = async (over: Record<string, string>) => {
    const config = readRunnerConfig({ ...env, ...over })
    const launcher = await createLauncher({ config, dataDir: dir, instanceId: 'test', logger })
    expect(launcher.warning).toContain('without a sandbox')
    const request = launchRequest({ trainer: { type: 'folder', dir }, argv: ['/bin/true'] })
    await launcher.launch(request)
    await launcher.remove(request)
  }

  it('runs the trainers of its owner', async () => {
    await expect(launchWith({ AUTH: 'local' })).resolves.toBeUndefined()
  })

  it('does not run trainers of others: where accounts exist, or from another registry', async () => {
    await expect(launchWith({ AUTH: 'required' })).rejects.toThrow(SandboxUnavailable)
    await expect(launchWith({ AUTH: 'required' })).rejects.toThrow(/SUBPROCESS_ALLOW_UNSANDBOXED/)
    await expect(launchWith({ AUTH: 'local', REGISTRY_URL: 'https://registry.example.com' })).rejects.toThrow(
      SandboxUnavailable,
    )
  })

  it('runs them if its operator allows it', async () => {
    await expect(launchWith({ AUTH: 'required', SUBPROCESS_ALLOW_UNSANDBOXED: 'true' })).resolves.toBeUndefined()
  })
})
