/**
 * Starts the services of `deploy/compose` on a real engine: `npm test -- --project deploy`. It needs Docker, Compose (COMPOSE, such as
 * `docker-compose` or `docker compose`) and the images trainyard/platform:0.1.0 and :0.1.1, postgres:17, minio/minio.
 */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/lib/run.ts'
import { runProgram, until } from './cluster.ts'
import { createJob, endOf, prepareTraining, type Ready } from './first-training.ts'

const [program = '', ...words] = (process.env.COMPOSE ?? '').split(' ').filter((word) => word !== '')
if (program === '')
  console.warn(
    'SKIPPED: deploy/compose. Set COMPOSE to "docker-compose" or "docker compose", and build the images: npm run image',
  )

/** The bridge of Docker: this machine and its containers reach it, other machines do not. */
const ADDRESS = '172.17.0.1'
const PORT = 7671
const url = `http://${ADDRESS}:${PORT}`

describe.skipIf(program === '')('deploy/compose', { timeout: 400_000 }, () => {
  let dir = ''
  let ready: Ready
  const compose = (...args: string[]) =>
    runProgram(program, [
      ...words,
      '--project-directory',
      dir,
      '-f',
      join(dir, 'compose.yaml'),
      '-p',
      'trainyard-compose-test',
      ...args,
    ])
  const settings = async (version: string) => {
    const { gid } = await stat('/var/run/docker.sock')
    const text = `TRAINYARD_VERSION=${version}\nDOCKER_GROUP=${gid}\nPORT=${PORT}\nPUBLIC_URL=${url}\nSTORAGE_PORT=9791\nS3_PUBLIC_URL=http://host.docker.internal:9791\n`
    await writeFile(join(dir, '.env'), text)
  }
  const isReady = () =>
    until('the platform is ready', 120, async () =>
      (await fetch(`${url}/readyz`).catch(() => undefined))?.ok ? true : undefined,
    )

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'compose-test-'))
    await cp(join(ROOT, 'deploy/compose'), dir, { recursive: true })
    await promisify(execFile)(join(dir, 'make-secrets.sh'))
    await settings('0.1.0')
    await compose('up', '-d')
    await isReady()
  }, 300_000)
  afterAll(async () => {
    await compose('down', '--volumes').catch(() => {})
    await rm(dir, { recursive: true, force: true })
  })

  it('starts, and trains a pushed trainer in a container', async () => {
    const printed = await compose('exec', '-T', 'platform', 'trainyard-platform', 'registry', 'setup-secret')
    const setupSecret = /setup=(\S+)/.exec(printed)?.[1] ?? ''
    ready = await prepareTraining({
      registryUrl: url,
      runnerUrl: url,
      pushUrl: url,
      setupSecret,
      dir: join(dir, 'data'),
    })
    const ended = await endOf(ready, await createJob(ready))
    expect(ended.state, ended.endReason).toBe('succeeded')
  })

  it('is upgraded by changing a tag, and keeps accounts, jobs and secrets', async () => {
    const before = (await ready.client.jobs.list({})).jobs.length
    expect(before).toBeGreaterThan(0)
    await settings('0.1.1')
    await compose('up', '-d')
    await isReady()
    expect(await compose('exec', '-T', 'platform', 'trainyard-platform', 'health')).toBe('')
    expect((await ready.client.jobs.list({})).jobs.length).toBe(before)
    expect((await ready.client.identity.me()).account?.email).toBe('operator@example.test')
  })

  it('does not run as root, and keeps secrets out of the environment', async () => {
    expect(await compose('exec', '-T', 'platform', 'sh', '-c', 'id -u')).toBe('65532')
    expect(await compose('exec', '-T', 'platform', 'env')).not.toMatch(/postgres:\/\/|JWT_SECRET=/)
  })
})
