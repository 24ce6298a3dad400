import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixtures, makeFlawed } from './testing/flaws.ts'
import { validateTarget } from './validate-target.ts'

const run = promisify(execFile)
const BASE = 'node:24-bookworm-slim'
const docker = async (...args: string[]) => (await run('docker', args)).stdout.trim()
const isReady = await docker('image', 'inspect', BASE).then(
  () => true,
  () => false,
)
if (!isReady) console.warn(`SKIPPED: running images. It needs a Docker engine that has the image ${BASE}`)

const DOCKERFILE = `FROM ${BASE}
COPY . /opt/trainer/
COPY trainer.json README.md /
WORKDIR /opt/trainer
USER 10001:10001
`

describe.skipIf(!isReady)('an image is run in Docker', () => {
  let dir: string
  const images: string[] = []
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-run-image-'))
  })
  afterAll(async () => {
    if (images.length > 0) await docker('rmi', '--force', ...images).catch(() => undefined)
    await rm(dir, { recursive: true, force: true })
  })

  async function build(tag: string, folder: string): Promise<string> {
    await writeFile(join(folder, 'Dockerfile'), DOCKERFILE)
    const image = `trainyard-test-run:${tag}`
    images.push(image)
    await docker('build', '--quiet', '--tag', image, folder)
    return image
  }

  async function check(target: string) {
    const report = await validateTarget({
      target,
      // The base image has warnings, which fail this profile, and must not keep the image from being run.
      phases: ['static', 'compliance'],
      profile: 'ci',
      seed: 7,
      databaseUrl: process.env.TEST_DATABASE_URL,
    })
    const compliance = report.checks.find(({ name }) => name === 'compliance')
    const codes = [...new Set(compliance?.findings.map(({ code }) => code))]
    return { status: compliance?.status, reason: compliance?.reason, codes, notes: compliance?.notes }
  }

  // Other processes use the engine at the same time.
  const ours = (names: string) => names.split('\n').filter((name) => name.includes(`-${process.pid}-`))
  const leftovers = async () => [
    ...ours(await docker('network', 'ls', '--format', '{{.Name}}', '--filter', 'name=trainyard-closed')),
    ...ours(await docker('images', '--format', '{{.Repository}}', 'trainyard-closed-*')),
  ]

  test('an honest one passes, and nothing of the run is left in the engine', { timeout: 300_000 }, async () => {
    const folder = join(dir, 'good')
    await cp(join(fixtures, 'good'), folder, { recursive: true })
    const image = await build('good', folder)
    expect(await check(image)).toMatchObject({ status: 'passed', reason: undefined, codes: [] })
    expect(await leftovers()).toEqual([])
  })

  test('one from an archive is loaded, run, and removed', { timeout: 300_000 }, async () => {
    const folder = await makeFlawed('TY601 tmp', dir)
    const image = await build('archive', folder)
    const file = join(dir, 'image.tar')
    const saving = spawn('docker', ['save', image], { stdio: ['ignore', 'pipe', 'inherit'] })
    await Promise.all([pipeline(saving.stdout, createWriteStream(file)), once(saving, 'exit')])
    await docker('rmi', '--force', image)
    expect(await check(file)).toMatchObject({ status: 'failed', codes: ['TY601'] })
    expect(await leftovers()).toEqual([])
  })

  test.each(['TY303 users', 'TY304 dns', 'TY304 tcp', 'TY416', 'TY602', 'TY611'])(
    'one that lies is found out by the rule of its bundle: %s',
    { timeout: 300_000 },
    async (flaw) => {
      const folder = await makeFlawed(flaw, dir)
      const image = await build(flaw.toLowerCase().replaceAll(' ', '-'), folder)
      expect(await check(image)).toMatchObject({ status: 'failed', codes: [flaw.slice(0, 5)] })
    },
  )
})
