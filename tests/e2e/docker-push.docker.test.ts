import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publishTrainer } from '@trainyard/client/files'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildTrainer } from '../../scripts/lib/trainers.ts'
import { TRAINER_DIR } from './prepare-training.ts'
import { type RunningServer, startServer, stopServer } from './server.ts'

const run = promisify(execFile)
const engine = await run('docker', ['version', '--format', '{{.Server.Version}}']).then(
  ({ stdout }) => stdout.trim(),
  () => undefined,
)
const base = await run('docker', ['image', 'inspect', 'node:24-bookworm-slim']).then(
  () => true,
  () => false,
)
const ready = engine !== undefined && base
if (!ready) {
  console.warn('SKIPPED: docker push of a trainer. It needs a Docker engine that holds node:24-bookworm-slim')
}

describe.skipIf(!ready)('docker push of the sample trainer', () => {
  let dir: string
  let server: RunningServer
  let image: string

  const docker = async (...args: string[]): Promise<string> =>
    (await run('docker', ['--config', join(dir, 'docker'), ...args], { maxBuffer: 16 * 1024 * 1024 })).stdout

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-docker-'))
    await buildTrainer(TRAINER_DIR)
    server = await startServer(join(dir, 'data'))
    const { host } = new URL(server.url)
    image = `${host}/trainyard/tfjs-classifier:1.0.0`
    await docker('build', '--quiet', '--tag', image, TRAINER_DIR)
    await docker('login', host, '--username', 'local', '--password', server.token)
  }, 240_000)

  afterAll(async () => {
    if (image) await docker('rmi', '--force', image).catch(() => undefined)
    await stopServer(server)
    await rm(dir, { recursive: true, force: true })
  })

  test('the image is accepted as a version of the trainer, and the same digest comes back', async () => {
    const pushed = await docker('push', image)
    const digest = pushed.match(/digest: (sha256:[0-9a-f]{64})/)?.[1]
    expect(digest).toBeDefined()
    const name = 'trainyard/tfjs-classifier'
    await expect
      .poll(async () => (await server.client.trainers.version(name, '1.0.0')).state, { timeout: 300_000 })
      .toMatch(/published|rejected/)
    const version = await server.client.trainers.version(name, '1.0.0')
    expect(version.checks.flatMap((check) => check.findings).filter((one) => one.severity === 'error')).toEqual([])
    expect(version.checks.find((check) => check.name === 'compliance')).toMatchObject({ status: 'passed' })
    expect(version.state).toBe('published')
    await docker('logout', new URL(server.url).host)
    await docker('rmi', '--force', image)
    expect(await docker('pull', image)).toContain(digest)
    const resolved = await server.client.trainers.resolve(name, '^1')
    expect(resolved.image?.digest).toBe(digest)
  }, 400_000)

  test('the same version is given a bundle beside its image', async () => {
    const name = 'trainyard/tfjs-classifier'
    const { checkId } = await publishTrainer({ dir: TRAINER_DIR, registryUrl: server.url, token: server.token })
    for await (const check of server.client.checks.live(checkId ?? '')) expect(check.state).not.toBe('rejected')
    await expect
      .poll(() => server.client.trainers.resolve(name, '^1'), { timeout: 10_000 })
      .toMatchObject({ bundle: { digest: expect.any(String) }, image: { digest: expect.any(String) } })
  }, 240_000)
})
