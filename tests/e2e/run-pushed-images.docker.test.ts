import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Finding } from '@trainyard/contract'
import { createForkValidate, createLogger } from '@trainyard/registry'
import { openClosedEngine } from '@trainyard/runner'
import { validateTarget } from '@trainyard/validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabaseUrl } from '../../packages/platform/src/testing/index.ts'
import {
  createHarness,
  endOfCheck,
  type Harness,
  resultOf,
  type StoredCheck,
} from '../../packages/registry/src/testing/harness.ts'
import { codeOf, fixtures, makeFlawed } from '../../packages/validator/src/testing/flaws.ts'

const run = promisify(execFile)
const BASE = 'node:24-bookworm-slim'
const isReady = await run('docker', ['image', 'inspect', BASE]).then(
  () => true,
  () => false,
)
if (!isReady) console.warn(`SKIPPED: running pushed images. It needs a Docker engine that has the image ${BASE}`)

const NAME = 'fixtures/nearest-colour'
const DOCKERFILE = `FROM ${BASE}
COPY . /opt/trainer/
COPY trainer.json README.md /
WORKDIR /opt/trainer
USER 10001:10001
`

describe.skipIf(!isReady)('a pushed image is run by the registry', () => {
  let harness: Harness
  let dir: string
  let host: string
  let token: string
  const images: string[] = []
  const logger = createLogger({ name: 'test', level: 'silent' })
  const docker = async (...args: string[]) =>
    (await run('docker', ['--config', join(dir, 'config'), ...args])).stdout.trim()

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-run-pushed-'))
    harness = await createHarness({
      validate: createForkValidate({ logger, databaseUrl: testDatabaseUrl(), timeoutMs: 240_000 }),
      config: { imageRuns: { max: 1, env: {} }, checkTimeoutSeconds: 240, checkConcurrency: 2 },
    })
    await harness.registry.start()
    host = new URL((await harness.listen()).url).host
    token = await harness.token(['push:fixtures', 'pull:fixtures'])
    await docker('login', host, '--username', 'ada', '--password', token)
  })
  afterAll(async () => {
    if (images.length > 0) await docker('rmi', '--force', ...images).catch(() => undefined)
    await harness.close()
    await rm(dir, { recursive: true, force: true })
  })

  /** Pushes the folder as an image, which the engine then no longer has, and returns the id of its check. */
  async function push(folder: string, version: string): Promise<string> {
    const file = join(folder, 'trainer.json')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"version": "1.0.0"', `"version": "${version}"`))
    await writeFile(join(folder, 'Dockerfile'), DOCKERFILE)
    const image = `${host}/${NAME}:${version}`
    images.push(image)
    await docker('build', '--quiet', '--tag', image, folder)
    await docker('push', image)
    await docker('rmi', '--force', image)
    const response = await harness.request(`/v1/trainers/${NAME}/versions/${version}`, { token })
    return ((await response.json()) as { checkId: string }).checkId
  }
  const end = (checkId: string) =>
    endOfCheck(harness, token, new Response(null, { headers: { 'trainyard-check': checkId } }))
  /** What the command line finds in the image of that name, which is in the engine or is pulled. */
  async function byName(version: string) {
    const { checks } = await validateTarget({
      target: `${host}/${NAME}:${version}`,
      env: { ...process.env, DOCKER_CONFIG: join(dir, 'config') },
      profile: 'marketplace',
      databaseUrl: testDatabaseUrl(),
      timeoutMs: 240_000,
    })
    return checks
  }
  /** With the fingerprints of the compliance run, and of the layers where they have the same digests. */
  const summary = (check: Pick<StoredCheck, 'checks'>, { hasLayers }: { hasLayers: boolean }) =>
    (['manifest', 'image', 'secrets', 'compliance'] as const).map((name) => {
      const { status, findings } = resultOf(check, name)
      const fingerprint = (one: Finding) => (hasLayers || name === 'compliance' ? one.fingerprint : '')
      return [name, status, findings.map((one) => `${one.code} ${one.severity} ${fingerprint(one)}`).toSorted()]
    })
  // Other tests use the engine at the same time: the marks of the command line's runs are shorter.
  const ours = (names: string) => names.split('\n').filter((name) => /^trainyard-closed-[0-9a-f]{16}\b/.test(name))
  const leftovers = async () => [
    ...ours(await docker('network', 'ls', '--format', '{{.Name}}', '--filter', 'name=trainyard-closed')),
    ...ours(await docker('images', '--format', '{{.Repository}}', 'trainyard-closed-*')),
    ...(await readdir(join(harness.config.dataDir, 'image-runs'))),
  ]

  test('an honest one becomes checked, and its author sees the steps of the run', { timeout: 600_000 }, async () => {
    const folder = join(dir, 'good')
    await cp(join(fixtures, 'good'), folder, { recursive: true })
    const checkId = await push(folder, '1.0.0')
    const { database, changes } = harness.registry.context
    const steps = new Set<string>()
    changes.on('check', () => {
      void harness
        .request(`/v1/checks/${checkId}`, { token })
        .then(async (response) => resultOf((await response.json()) as Parameters<typeof resultOf>[0], 'compliance'))
        .then(({ progress }) => steps.add(progress?.what ?? ''))
        .catch(() => undefined)
    })
    const check = await end(checkId)
    changes.removeAllListeners('check')
    expect(resultOf(check, 'compliance')).toMatchObject({ status: 'passed', findings: [] })
    expect(check.state).toBe('published')
    expect(summary({ checks: await byName('1.0.0') }, { hasLayers: true })).toEqual(summary(check, { hasLayers: true }))
    const version = await (await harness.request(`/v1/trainers/${NAME}/versions/1.0.0`, { token })).json()
    expect(version).toMatchObject({ trust: { tier: 'checked', skipped: [] } })
    expect([...steps]).toEqual(expect.arrayContaining(['loading the image', 'train', 'predict', 'export']))
    // Another registry may run an image meanwhile.
    await expect.poll(leftovers, { timeout: 240_000 }).toEqual([])
    // The same bytes are not run again.
    const kept = database.db.selectFrom('layer_results').select('layer_digest').where('scanner', '=', 'compliance')
    expect(await kept.execute()).toHaveLength(1)
  })

  test.each([
    ['TY601 tmp', '1.0.1'],
    ['TY607', '1.0.2'],
  ])(
    'one that lies is rejected by the rule of its bundle, as on the command line: %s',
    { timeout: 600_000 },
    async (flaw, version) => {
      const folder = await makeFlawed(flaw, dir)
      const check = await end(await push(folder, version))
      const { status, findings } = resultOf(check, 'compliance')
      expect([check.state, status, [...new Set(findings.map(({ code }) => code))]]).toEqual([
        'rejected',
        'failed',
        [codeOf(flaw)],
      ])
      // A rejected image cannot be pulled: its author has it still, with layers that the engine does not compress.
      await docker('build', '--quiet', '--tag', `${host}/${NAME}:${version}`, folder)
      expect(summary({ checks: await byName(version) }, { hasLayers: false })).toEqual(
        summary(check, { hasLayers: false }),
      )
      // Another registry may run an image meanwhile.
      await expect.poll(leftovers, { timeout: 240_000 }).toEqual([])
    },
  )

  test('what a killed process left in the engine is removed at the next start', { timeout: 120_000 }, async () => {
    const instanceId = '0123456789abcdef'
    const engine = await openClosedEngine({ env: {}, instanceId, logger })
    if (typeof engine === 'string') throw new Error(engine)
    await engine.openNetwork()
    await mkdir(join(harness.config.dataDir, 'image-runs'), { recursive: true })
    await writeFile(join(harness.config.dataDir, 'image-runs', instanceId), 'a check that has ended')
    const again = await harness.restart()
    await again.start()
    await expect.poll(leftovers, { timeout: 60_000 }).toEqual([])
  })
})
